/** Content of a signature that is not what its format says. The message is for the user, and repeats little of the content. */
export class FormatError extends Error {
  override name = "FormatError";
}

/** How much of what stands in a signature is repeated in a message, in UTF-16 units. */
const QUOTED_LENGTH = 100;

/** A value of JSON or of CBOR from a signature, for a message: on one line, texts in quotes, not too long. */
export function quoted(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "string" ? value : jsonOf(value);
  const shown = text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH)}...` : text;
  return typeof value === "string" ? JSON.stringify(shown) : shown;
}

/** Not `String()`, which calls what an object has for a toString. */
function jsonOf(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    // CBOR has integers that JSON has not, and nests as deep as it likes.
    return "something else";
  }
}
