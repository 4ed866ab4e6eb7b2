import { printable } from "../printable.ts";

/** A column of a table. */
export interface Column {
  header: string;
  /** How narrow this column becomes, in characters, before those without such a number are shortened too. */
  shrinksTo?: number;
}

/** The most of a cell that is shown, in UTF-16 units: a column is as wide as its widest cell. */
const MAX_CELL = 256;

/** No column becomes narrower than this many characters. */
const MIN_WIDTH = 3;

const GAP = "   ";
const ELLIPSIS = "…";

/**
 * Lays out rows under headers, columns aligned, no blanks at the end of a line. Cells are made
 * {@link printable} first.
 *
 * @param width the width to fit into, in characters, by shortening columns that may shrink, the first of them first,
 *   then the widest; without it nothing is shortened
 * @returns one line a row, the headers first, without line feeds
 */
export function formatColumns(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width?: number,
): string[] {
  const lines = [
    columns.map((column) => column.header),
    ...rows.map((row) => row.map((cell) => printable(cell, MAX_CELL))),
  ];
  const widths = fit(columns, columns.map((_, index) => widest(lines, index)), width);
  return lines.map((cells) => cells.map((cell, index) => pad(cell, widths[index])).join(GAP).trimEnd());
}

function widest(lines: readonly (readonly string[])[], index: number): number {
  return lines.reduce((most, cells) => Math.max(most, length(cells[index])), 0);
}

function fit(columns: readonly Column[], natural: readonly number[], width: number | undefined): number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  let excess = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1) - width;
  columns.forEach((column, index) => {
    if (excess <= 0 || column.shrinksTo === undefined) return;
    const least = Math.max(column.shrinksTo, column.header.length);
    const given = Math.min(excess, Math.max(widths[index] - least, 0));
    widths[index] -= given;
    excess -= given;
  });
  // A terminal that is narrower still: from now on the widest gives way, whichever it is.
  for (; excess > 0; excess--) {
    const most = Math.max(...widths);
    if (most <= MIN_WIDTH) break;
    widths[widths.lastIndexOf(most)]--;
  }
  return widths;
}

function pad(cell: string, width: number): string {
  const missing = width - length(cell);
  return missing >= 0 ? cell + " ".repeat(missing) : [...cell].slice(0, width - 1).join("") + ELLIPSIS;
}

function length(text: string): number {
  // deno-lint-ignore no-control-regex -- the question is whether it is plain ASCII
  return /^[\x00-\x7f]*$/.test(text) ? text.length : [...text].length;
}
