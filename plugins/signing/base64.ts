import { Buffer } from "node:buffer";
import { FormatError } from "./format_error.ts";

/**
 * Decodes base64 to the letter (RFC 4648, section 4): the standard alphabet, padded, nothing beside it, and the unused bits zero, so that
 * no two texts stand for the same bytes.
 *
 * @param what what the text is, for the message
 * @throws {FormatError} if it is not base64, or empty
 */
export function decodeBase64(text: unknown, what: string): Uint8Array {
  if (typeof text !== "string" || text === "") throw new FormatError(`${what} is missing`);
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw new FormatError(`${what} is not base64`);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
