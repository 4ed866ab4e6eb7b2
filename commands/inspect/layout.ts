import { printable } from "../../lib/printable.ts";
import { type Column, formatColumns } from "../../lib/terminal/columns.ts";

/** How a summary is laid out. */
export interface Layout {
  /** The width of the terminal, in characters; `undefined` where nothing needs to be broken into lines. */
  width: number | undefined;
  /** Whether headings are set off by escape codes. */
  isStyled: boolean;
}

/** The most of a text that is shown, in UTF-16 units. */
const MAX_TEXT = 2000;

/** What is below a heading is set off by so much. */
const INDENT = "  ";

/** Between two columns. */
const GAP = "   ";

/** Text in narrower columns than this is put into lines of its own. */
const LEAST_WIDTH = 24;

const [BOLD, RESET] = ["\x1b[1m", "\x1b[0m"];

/** A label and what there is to say; without the latter, the line is left out. */
export type Fact = readonly [label: string, value: string | undefined];

/** Lays out facts, their values aligned and broken into lines. */
export function factLines(facts: readonly Fact[], { width, isStyled }: Layout): string[] {
  const told = facts.filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1] !== "");
  const column = Math.max(0, ...told.map(([label]) => label.length)) + GAP.length;
  return told.flatMap(([label, value]) => {
    const head = (isStyled ? `${BOLD}${label}${RESET}` : label) + " ".repeat(column - label.length);
    return wrapped(value, width && width - column).map((line, at) => (at === 0 ? head : " ".repeat(column)) + line);
  });
}

/** Lays out what stands below a heading; nothing if there is nothing. */
export function section(heading: string, lines: readonly string[], { isStyled }: Layout): string[] {
  if (lines.length === 0) return [];
  return ["", isStyled ? `${BOLD}${heading}${RESET}` : heading, ...lines.map((line) => line && INDENT + line)];
}

/** A row of a table. */
export interface Row {
  cells: readonly string[];
  /** What stands behind the last column, or where that is too narrow, below the row. */
  text?: string;
}

/**
 * Lays out a table for a {@link section}.
 *
 * @param limit how many rows are shown
 */
export function tableLines(columns: readonly Column[], rows: readonly Row[], limit: number, layout: Layout): string[] {
  if (rows.length === 0) return [];
  const shown = rows.slice(0, limit);
  const width = layout.width && layout.width - INDENT.length;
  const lines = formatColumns(columns, shown.map(({ cells }) => cells), width);
  const [header, ...body] = lines;
  const more = rows.length > limit ? [`and ${rows.length - limit} more`] : [];
  if (shown.every(({ text }) => !text)) return [...lines, ...more];
  const widest = Math.max(...lines.map(lengthOf)) + GAP.length;
  const room = width && width - widest;
  const isBeside = room === undefined || room >= LEAST_WIDTH;
  const texts = shown.map(({ text }) => text ? wrapped(text, isBeside ? room : width && width - GAP.length) : []);
  const described = body.flatMap((line, at) => {
    if (!isBeside) return [line, ...texts[at].map((text) => GAP + text)];
    const [first, ...rest] = texts[at];
    return [
      first ? line + " ".repeat(widest - lengthOf(line)) + first : line,
      ...rest.map((text) => " ".repeat(widest) + text),
    ];
  });
  return [isBeside ? header + " ".repeat(widest - lengthOf(header)) + "DESCRIPTION" : header, ...described, ...more];
}

/** Breaks a text into lines at its blanks, or, where a word is too long, within it. What it has of lines is one text. */
export function wrapped(text: string, width: number | undefined): string[] {
  const whole = printable(text.slice(0, MAX_TEXT).replace(/\s+/g, " ").trim()) + (text.length > MAX_TEXT ? "..." : "");
  if (width === undefined) return [whole];
  const most = Math.max(width, 1);
  const lines: string[] = [];
  let line = "";
  for (const word of whole.split(" ")) {
    if (line !== "" && lengthOf(line) + 1 + lengthOf(word) > most) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
    for (let chars = [...line]; chars.length > most; chars = [...line]) {
      lines.push(chars.slice(0, most).join(""));
      line = chars.slice(most).join("");
    }
  }
  return [...lines, line];
}

function lengthOf(text: string): number {
  return [...text].length;
}
