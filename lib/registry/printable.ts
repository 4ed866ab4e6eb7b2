/**
 * What must not reach a terminal from a registry's text: control characters, which move the cursor and recolour, and
 * the marks that reorder a line.
 */
// deno-lint-ignore no-control-regex -- control characters are what this is about
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Text from outside, made fit for a line of output: unprintable characters become `\u00xx`, and what is over `limit`
 * characters is cut off.
 */
export function printable(text: string, limit = 300): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}...` : text;
  return cut.replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
