import { type Column, formatColumns, isTerminal, terminalSize } from "../../lib/terminal/mod.ts";

/** A table as it is printed: on a terminal it fits into its width. */
export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const width = isTerminal("stdout") ? terminalSize("stdout").columns : undefined;
  return formatColumns(columns, rows, width).map((line) => `${line}\n`).join("");
}
