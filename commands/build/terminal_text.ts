import { printableLines } from "../../lib/printable.ts";

/** What sets a colour, and what clears a line to its end. */
// deno-lint-ignore no-control-regex -- escape codes are what this is about
const HARMLESS = /(\x1b\[[0-9;]{0,40}m|\x1b\[0?K)/;

const RESET = "\x1b[0m";

/**
 * What a compiler said, for a terminal: colours stay, if they are wanted, and everything else that a terminal acts on is written out.
 *
 * @returns whole lines
 */
export function compilerText(bytes: Uint8Array, hasColor: boolean): string {
  const text = new TextDecoder().decode(bytes).replaceAll("\r\n", "\n").trimEnd();
  if (text === "") return "";
  const parts = text.split(HARMLESS).map((part, at) => at % 2 === 1 ? (hasColor ? part : "") : printableLines(part));
  return `${parts.join("")}${hasColor && parts.length > 1 ? RESET : ""}\n`;
}
