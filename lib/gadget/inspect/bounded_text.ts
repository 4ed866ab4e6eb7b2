import { SatchelError } from "../../error.ts";

/** How much longer a character may become that has to be escaped wherever it is printed. */
const LONGEST_ESCAPE = 6;

// deno-lint-ignore no-control-regex
const MAY_BE_ESCAPED = /[^\x00-\x7e]/;

/**
 * Joins texts that come one by one, and ends as soon as they are too long: a small object can have thousands of long names in
 * thousands of places.
 *
 * @param what what the texts are, for the error text
 * @param limit in UTF-16 units; texts that are not all ASCII count more, as they may become longer when they are printed
 * @throws {SatchelError} `invalid` if there is more
 */
export function joinBounded(texts: Iterable<string>, separator: string, what: string, limit: number): string {
  const joined: string[] = [];
  let left = limit;
  for (const text of texts) {
    left -= (text.length + separator.length) * (MAY_BE_ESCAPED.test(text) ? LONGEST_ESCAPE : 1);
    if (left < 0) throw new SatchelError("invalid", `${what}: there is more of it than ${limit} characters`);
    joined.push(text);
  }
  return joined.join(separator);
}
