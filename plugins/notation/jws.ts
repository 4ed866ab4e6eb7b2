import { Buffer } from "node:buffer";
import { decodeBase64 } from "../signing/base64.ts";
import { FormatError, quoted } from "../signing/format_error.ts";
import { isObject, type JsonObject, parseStrictObject } from "../signing/strict_json.ts";
import { algorithmByName } from "./algorithm.ts";
import { checkHeaders, checkUnsigned, type Envelope, Header } from "./envelope.ts";
import { parseTime } from "./time.ts";

/** The media type of an envelope as JSON Web Signature. */
export const JWS_TYPE = "application/jose+json";

/**
 * Reads a signature in a JSON Web Signature, flattened (RFC 7515, 7.2.2), as Notary Project has it ("JWS envelope").
 *
 * @throws {FormatError}
 */
export function readJws(bytes: Uint8Array): Envelope {
  const json = parseStrictObject(bytes, "the envelope");
  // RFC 7515, 7.2.2: what is not known is passed over, but this would make it another kind of envelope.
  if ("signatures" in json) throw new FormatError("it has several signatures, of which only one is expected");
  const protectedBytes = decodeBase64Url(json.protected, "the protected header");
  const headers = parseStrictObject(protectedBytes, "the protected header");
  const algorithm = algorithmByName(headers.alg);
  if (!algorithm) throw new FormatError(`its algorithm is none that is allowed: ${quoted(headers.alg)}`);
  const attributes = checkHeaders({
    contentType: headers.cty,
    critical: headers.crit,
    known: [],
    get: (name) => memberOf(headers, name),
    timeOf: parseTime,
  });
  if (!isObject(json.header)) throw new FormatError("it has no certificate");
  const { header } = json;
  // RFC 7515, 7.2.1: a name is in one of the two.
  const twice = Object.keys(header).find((name) => Object.hasOwn(headers, name));
  if (twice !== undefined) throw new FormatError(`the header ${quoted(twice)} is there twice, signed and unsigned`);
  const timestamp = memberOf(header, Header.timestampSignature);
  const agent = memberOf(header, Header.signingAgent);
  return {
    format: "notation JWS",
    algorithm: algorithm.name,
    // Read as a text first: what is none may not become one.
    payload: decodeBase64Url(json.payload, "the payload"),
    signed: Buffer.from(`${json.protected}.${json.payload}`, "ascii"),
    signature: decodeBase64Url(json.signature, "the signature"),
    attributes,
    ...checkUnsigned({
      certificates: certificatesOf(header.x5c),
      ...(timestamp !== undefined && { timestamp: decodeBase64(timestamp, "the timestamp") }),
    }),
    ...(typeof agent === "string" && { agent }),
  };
}

function certificatesOf(chain: unknown): Uint8Array[] {
  if (!Array.isArray(chain)) throw new FormatError("it has no certificate");
  return chain.map((certificate) => decodeBase64(certificate, "a certificate"));
}

/** A member of its own: a name is never one that all objects have. */
function memberOf(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** base64url to the letter (RFC 7515, 2): no padding, no bits that say nothing. */
function decodeBase64Url(text: unknown, what: string): Uint8Array {
  if (typeof text !== "string" || text === "") throw new FormatError(`${what} is missing`);
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) throw new FormatError(`${what} is not base64url`);
  return bytes;
}
