/** The longest gadget.yaml that is read, in bytes; those of the official gadgets have up to 20 kB. */
export const MAX_METADATA_SIZE = 64 * 1024;

/** How many texts are read of one, wherever they stand: an alias stands for the whole of what it names, however short it is. */
export const MAX_TEXTS = 5000;

/** How deep what stands in brackets may nest: the parser calls itself for each level. */
const MAX_BRACKETS = 50;

/** How often one line may begin a list or a map within another one: the parser's time grows with the square of that. */
const MAX_BEGUN_IN_LINE = 50;

/**
 * Looks for what would keep the parser of YAML busy, which nobody could interrupt. Texts are counted as if they were no texts.
 *
 * @returns where it nests too deep, in UTF-16 units; `undefined` if it does not
 */
export function nestsTooDeepAt(text: string): number | undefined {
  let brackets = 0;
  let begun = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "[" || char === "{") brackets++;
    else if ((char === "]" || char === "}") && brackets > 0) brackets--;
    else if (char === "\n" || char === "\r") begun = 0;
    else if ((char === "-" || char === "?" || char === ":") && /[\s,[\]{}]/.test(text[at + 1] ?? " ")) begun++;
    if (brackets > MAX_BRACKETS || begun > MAX_BEGUN_IN_LINE) return at;
  }
  return undefined;
}
