import { FormatError, quoted } from "./format_error.ts";

/** What is signed nests a handful of levels. */
const MAX_DEPTH = 64;

/** A JSON object whose members have not been looked at yet. */
export type JsonObject = { readonly [name: string]: unknown };

/** Whether a parsed value is an object (not an array, not null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Parses JSON in which every reader sees the same: no object has two members of one name, of which some readers take the first and others
 * the last.
 *
 * @param what what the bytes are, for the message
 * @throws {FormatError} if it is not UTF-8, not JSON, has a member twice, or nests more than 64 levels
 */
export function parseStrictJson(bytes: Uint8Array, what: string): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError(`${what} is not UTF-8 text`);
  }
  // Before the parser, which would go as deep as the text does.
  const twice = findRepeated(text, what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FormatError(`${what} is not JSON`);
  }
  if (twice !== undefined) throw new FormatError(`${what} has ${quoted(twice)} twice`);
  return value;
}

/**
 * Parses JSON as {@link parseStrictJson} does, and expects an object.
 *
 * @throws {FormatError}
 */
export function parseStrictObject(bytes: Uint8Array, what: string): JsonObject {
  const value = parseStrictJson(bytes, what);
  if (!isObject(value)) throw new FormatError(`${what} is no JSON object`);
  return value;
}

/**
 * Refuses members that are not known: they may say something that must not be passed over.
 *
 * @param what the object, for the message
 * @throws {FormatError}
 */
export function refuseUnknown(object: JsonObject, known: readonly string[], what: string): void {
  const unknown = Object.keys(object).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new FormatError(`${what} has a member ${quoted(unknown)}, which is not known`);
}

/** The name of a member that an object has twice. Of what is not JSON it finds something or nothing. */
function findRepeated(text: string, what: string): string | undefined {
  /** The names so far in each object around the place; none for a list. */
  const around: (Set<string> | undefined)[] = [];
  let isName = false;
  let repeated: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      const end = endOfText(text, at);
      const names = around.at(-1);
      if (isName && names) {
        const name = unescaped(text.slice(at, end + 1));
        if (names.has(name)) repeated ??= name;
        names.add(name);
      }
      isName = false;
      at = end;
    } else if (char === "{" || char === "[") {
      isName = char === "{";
      if (around.push(isName ? new Set() : undefined) > MAX_DEPTH) {
        throw new FormatError(`${what} nests more than ${MAX_DEPTH} levels`);
      }
    } else if (char === "}" || char === "]") around.pop();
    else if (char === ",") isName = true;
  }
  return repeated;
}

/** Where the quote is that ends the text which begins at a place. */
function endOfText(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

function unescaped(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token;
  }
}
