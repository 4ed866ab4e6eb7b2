import { MAX_HEADER_LENGTH } from "./header.ts";

/** One way in which a server wants to be authenticated to (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  scheme: string;
  /** Names are lower case. The first of several of the same name counts. */
  parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/ys;
const SPACE = /[ \t]*/y;
const SEPARATOR = /[ \t,]*/y;

/**
 * Reads `WWW-Authenticate`: any number of challenges, in one header or in several that were joined by commas. What is
 * malformed ends the reading; the challenges before it count.
 *
 * @example
 * ```ts
 * parseChallenges('Bearer realm="https://auth.example/token",scope="repository:foo:pull,push", Basic realm="foo"');
 * ```
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  if (header.length > MAX_HEADER_LENGTH) return challenges;
  const cursor = new Cursor(header);
  for (;;) {
    cursor.take(SEPARATOR);
    const scheme = cursor.take(TOKEN);
    if (scheme === undefined) return challenges;
    const parameters = new Map<string, string>();
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
    if (!readParameters(cursor, parameters)) return challenges;
  }
}

/** Reads up to the next scheme; `false` if there is nothing that could follow. */
function readParameters(cursor: Cursor, parameters: Map<string, string>): boolean {
  for (let first = true;; first = false) {
    const start = cursor.position;
    const separator = cursor.take(SEPARATOR) ?? "";
    if (cursor.atEnd) return false;
    if (!first && !separator.includes(",")) return false;
    // `Negotiate abc==`: a single opaque value in place of parameters. It needs a space before it.
    if (first && !separator.includes(",") && cursor.take(TOKEN68) !== undefined) continue;
    const name = cursor.take(TOKEN);
    if (name === undefined) return false;
    cursor.take(SPACE);
    if (!cursor.skip("=")) {
      cursor.position = start;
      return separator.includes(",");
    }
    cursor.take(SPACE);
    const value = readValue(cursor);
    if (value === undefined) return false;
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, value);
  }
}

function readValue(cursor: Cursor): string | undefined {
  const quoted = cursor.take(QUOTED);
  if (quoted !== undefined) return quoted.slice(1, -1).replace(/\\(.)/gs, "$1");
  return cursor.take(TOKEN) ?? cursor.take(TOKEN68);
}

/** A place in a text, moved on by patterns that are sticky (`y`). */
class Cursor {
  readonly #text: string;
  position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.position >= this.#text.length;
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.#text);
    if (!match) return undefined;
    this.position = pattern.lastIndex;
    return match[0];
  }

  skip(char: string): boolean {
    if (this.#text[this.position] !== char) return false;
    this.position++;
    return true;
  }
}
