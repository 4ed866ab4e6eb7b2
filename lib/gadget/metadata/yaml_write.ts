import { compareNaturally } from "./natural_order.ts";

/** A map to be written: texts and maps by their keys. */
export interface WrittenMap {
  /** The order of keys that have one; others are in natural order, behind them. */
  order: readonly string[];
  entries: ReadonlyMap<string, string | WrittenMap>;
  /** Which of these keys are added to a map that is there already; default: all. */
  ifThere?: readonly string[];
}

/** Compares two keys of a map by where they belong in it. */
function compareKeys(order: readonly string[], a: string, b: string): number {
  const [x, y] = [order.indexOf(a), order.indexOf(b)];
  if (x !== -1 && y !== -1) return x - y;
  if (x !== -1 || y !== -1) return x === -1 ? 1 : -1;
  return compareNaturally(a, b);
}

/** What is neither a number nor a word with a meaning in any version of YAML, and has no characters with one. */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*$/;
const WORD = /^(y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

/** What may stand between single quotes as it is. */
const SINGLE = /^[ -~]+$/;

/** A text as a scalar in one line: plain, in single, or in double quotes, as go-yaml chooses. */
export function scalar(text: string): string {
  if (PLAIN.test(text) && !WORD.test(text)) return text;
  if (SINGLE.test(text) && !WORD.test(text) && !/^[0-9.+-]/.test(text)) return `'${text.replaceAll("'", "''")}'`;
  const escape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, escape);
}

/** Lines of a map in block style, each with its indentation. */
export function blockLines(map: WrittenMap, indent: string, step: string): string[] {
  return sortedEntries(map).flatMap(([key, value]) => {
    if (typeof value === "string") return [`${indent}${scalar(key)}: ${scalar(value)}`];
    if (value.entries.size === 0) return [`${indent}${scalar(key)}: {}`];
    return [`${indent}${scalar(key)}:`, ...blockLines(value, indent + step, step)];
  });
}

/** A map's entries in flow style, without its braces. */
export function flowEntries(map: WrittenMap): string {
  return sortedEntries(map).map(([key, value]) =>
    `${scalar(key)}: ${typeof value === "string" ? scalar(value) : `{${flowEntries(value)}}`}`
  ).join(", ");
}

function sortedEntries({ order, entries }: WrittenMap): [string, string | WrittenMap][] {
  return [...entries].toSorted(([a], [b]) => compareKeys(order, a, b));
}
