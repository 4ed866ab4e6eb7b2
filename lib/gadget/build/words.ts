import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";

/** More words than any list of flags has. */
const MAX_WORDS = 1000;

/**
 * Splits text into words as a shell does it, by blanks, quotes and backslashes, but expands nothing: `$` and `*` stand for
 * themselves.
 *
 * @param what what the text is, for the error text
 * @throws {SatchelError} `usage` if a quote does not end
 */
export function splitWords(text: string, what: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "'" || char === '"') {
      const quoted = readQuoted(text, at, what);
      word = (word ?? "") + quoted.text;
      at = quoted.end;
    } else if (char === "\\" && at + 1 < text.length) word = (word ?? "") + text[++at];
    else word = (word ?? "") + char;
  }
  if (word !== undefined) words.push(word);
  if (words.length > MAX_WORDS) throw new SatchelError("usage", `${what} has more than ${MAX_WORDS} words`);
  return words;
}

/** In double quotes a backslash takes the meaning of what could end or begin something there; in single quotes it has none. */
function readQuoted(text: string, start: number, what: string): { text: string; end: number } {
  const quote = text[start];
  let read = "";
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === quote) return { text: read, end: at };
    if (quote === '"' && text[at] === "\\" && '"\\$`'.includes(text[at + 1] ?? " ")) at++;
    read += text[at];
  }
  const shown = printable(JSON.stringify(text.slice(start)), 100);
  throw new SatchelError("usage", `${what}: the quote at ${shown} does not end`);
}

/** Words as they could be typed into a shell. */
export function joinWords(words: readonly string[]): string {
  return words.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}
