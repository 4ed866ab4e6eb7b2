import { SatchelError } from "../error.ts";
import { jsonErrorAt, lineAndColumn } from "./json_error.ts";

/** JSON of a manifest, an index or a config nests a handful of levels; more is an attack on the parser's stack. */
const MAX_DEPTH = 64;

/** A JSON object whose members have not been looked at yet. */
export type JsonObject = Record<string, unknown>;

/** Whether a parsed value is an object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Parses UTF-8 JSON from outside, with its depth checked before the parser sees it. Errors say the place and never what stands
 * there: it may be an account, a token or another secret.
 *
 * @param what what the bytes are, for the error text
 * @throws {SatchelError} `invalid` if it is not UTF-8, not JSON, or nests more than 64 levels
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SatchelError("invalid", `${what} is not UTF-8 text`, { cause });
  }
  if (depthExceeds(text, MAX_DEPTH)) {
    throw new SatchelError("invalid", `${what} nests more than ${MAX_DEPTH} levels`);
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own error, as a cause, would repeat what it found.
    throw new SatchelError("invalid", `${what} is not JSON: ${whyNotJson(text)}`);
  }
}

function whyNotJson(text: string): string {
  if (text.trim() === "") return "it is empty";
  if (/^\s*<(?:!doctype|html|\?xml)\b/i.test(text)) return "it is HTML or XML";
  const { line, column } = lineAndColumn(text, jsonErrorAt(text) ?? 0);
  return `it breaks at line ${line}, column ${column}`;
}

/**
 * Writes compact JSON as Go's encoding/json does, which is what `ig` writes: `<`, `>`, `&`, U+2028 and U+2029 are
 * escaped, everything else is raw UTF-8. Members come in the order of the object.
 */
export function encodeGoJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const [QUOTE, BACKSLASH, COMMA] = [...'"\\,'].map((char) => char.charCodeAt(0));
const OPENING = [..."{["].map((char) => char.charCodeAt(0));
const CLOSING = [..."}]"].map((char) => char.charCodeAt(0));

/**
 * Whether a list right below the top of some JSON has more items than `limit`. To be asked before the text is parsed, since
 * nobody could interrupt that: 60 MB of `{},` take ten seconds.
 */
export function hasMoreItems(bytes: Uint8Array, limit: number): boolean {
  let commas = 0;
  return punctuation(bytes, (byte, depth) => byte === COMMA && depth === 2 && ++commas >= limit);
}

/**
 * Whether some JSON has more values than `limit`, lists and objects among them, at whatever depth: each takes many times the
 * memory of its text. To be asked before the text is parsed.
 */
export function hasMoreValues(bytes: Uint8Array, limit: number): boolean {
  let values = 0;
  return punctuation(bytes, (byte) => (byte === COMMA || OPENING.includes(byte)) && ++values > limit);
}

/** Passes what stands outside of texts, with how deep that is, until `visit` has seen enough; returns whether it has. */
function punctuation(bytes: Uint8Array, visit: (byte: number, depth: number) => boolean): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inString = false;
      continue;
    }
    if (byte === QUOTE) inString = true;
    else if (byte === OPENING[0] || byte === OPENING[1]) depth++;
    else if (byte === CLOSING[0] || byte === CLOSING[1]) depth--;
    if (visit(byte, depth)) return true;
  }
  return false;
}

function depthExceeds(text: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c /* \ */) i++;
      else if (code === 0x22 /* " */) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b /* { */ || code === 0x5b /* [ */) {
      if (++depth > limit) return true;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return false;
}
