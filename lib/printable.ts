/**
 * Characters that a terminal acts on or that hide what a text says: C0 and C1 controls, line separators, zero-width and
 * bidirectional controls, halves of surrogate pairs.
 */
const UNSAFE =
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]|\p{Cs}/gu;

const PLAIN = /^[ -~]*$/;

/**
 * Makes text from outside safe for a terminal: whatever it could act on is written as `\x1b`, `\n` or `\u200b`.
 *
 * @param limit what is longer, in UTF-16 units, is cut off. Default: nothing is
 * @example
 * ```ts
 * printable("\x1b[2Jgone"); // "\\x1b[2Jgone"
 * ```
 */
export function printable(text: string, limit = Infinity): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}...` : text;
  // Nearly everything is plain, and this is several times as fast.
  return PLAIN.test(cut) ? cut : cut.replace(UNSAFE, escapeChar);
}

/** {@link printable}, but line feeds and tabs stay: for messages of several lines. */
export function printableLines(text: string): string {
  return text.replace(UNSAFE, (char) => char === "\n" || char === "\t" ? char : escapeChar(char));
}

/**
 * Replaces every character but line feeds that {@link printable} would: for notations with escapes of their own.
 *
 * @param replace gets one character, which may be two UTF-16 units
 */
export function replaceUnsafe(text: string, replace: (char: string) => string): string {
  return text.replace(UNSAFE, (char) => char === "\n" ? char : replace(char));
}

function escapeChar(char: string): string {
  if (char === "\n") return "\\n";
  if (char === "\r") return "\\r";
  if (char === "\t") return "\\t";
  const code = char.codePointAt(0)!;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\u{${code.toString(16)}}`;
}
