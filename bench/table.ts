/** Puts what was measured into Markdown. @module */
import { median, type Sample } from "./measure.ts";
import type { Tool } from "./tools.ts";

/** What one case brought, for each tool that took part. */
export interface Row {
  title: string;
  samples: ReadonlyMap<string, readonly Sample[]>;
}

/** The tool that all others are compared with. */
const REFERENCE = "satchel";

/** A table of times with the ratio to satchel's, and one of memory. */
export function markdown(rows: readonly Row[], tools: readonly Tool[]): string {
  const header = ["", ...tools.map(({ name, version }) => `${name} ${version}`)];
  const times = rows.map((row) => [row.title, ...tools.map(({ name }) => timeCell(row, name))]);
  const memory = rows.filter(({ samples }) => [...samples.values()].flat().some(({ memory }) => memory !== undefined))
    .map((row) => [row.title, ...tools.map(({ name }) => memoryCell(row, name))]);
  const parts = [`Median time, and in brackets how many times as long as satchel took:\n\n${table(header, times)}`];
  if (memory.length > 0) parts.push(`The most resident memory of any run, in MiB:\n\n${table(header, memory)}`);
  return parts.join("\n\n");
}

function timeCell({ samples }: Row, tool: string): string {
  const own = medianSeconds(samples.get(tool));
  if (own === undefined) return "-";
  const reference = medianSeconds(samples.get(REFERENCE));
  const ratio = tool === REFERENCE || reference === undefined ? "" : ` (${(own / reference).toFixed(2)})`;
  return `${formatTime(own)}${ratio}`;
}

function medianSeconds(samples: readonly Sample[] | undefined): number | undefined {
  return samples?.length ? median(samples.map(({ seconds }) => seconds)) : undefined;
}

/** `1.52 s`, `0.241 s`, `12.3 ms` */
export function formatTime(seconds: number): string {
  if (seconds >= 1) return `${seconds.toFixed(2)} s`;
  return seconds >= 0.1 ? `${seconds.toFixed(3)} s` : `${(seconds * 1000).toFixed(1)} ms`;
}

function memoryCell({ samples }: Row, tool: string): string {
  const figures = samples.get(tool)?.map(({ memory }) => memory).filter((memory) => memory !== undefined) ?? [];
  return figures.length === 0 ? "-" : `${Math.round(Math.max(...figures) / 1024 / 1024)}`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(3, ...all.map((row) => row[column].length)));
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join(" | ")
    } |`;
  const rule = `|${
    widths.map((width, column) => column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`).join("|")
  }|`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}
