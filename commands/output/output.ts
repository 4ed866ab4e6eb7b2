import { replaceUnsafe } from "../../lib/printable.ts";
import { type Stream, write } from "../../lib/terminal/streams.ts";
import { type FlagValues, textOf } from "../line/flags.ts";
import { OUTPUT_MODES } from "../line/spec.ts";

/** A form in which results can be had. */
export type OutputMode = (typeof OUTPUT_MODES)[number];

/** The form that `-o` asks for, or another flag where that one means something else. */
export function outputMode(flags: FlagValues, flag = "output"): OutputMode {
  const asked = textOf(flags, flag);
  return OUTPUT_MODES.find((mode) => mode === asked) ?? "columns";
}

/** The most of a text out of an image that a result has, in UTF-16 units: honest ones have a fraction of it. */
const MAX_TEXT = 1000;

/** A text out of an image, shortened to what a result may have of it. */
export function imageText(text: string | undefined): string {
  return (text ?? "").slice(0, MAX_TEXT);
}

/**
 * Prints a result, on stdout unless that has other bytes: as `text` has it for people, or as the value itself for programs.
 *
 * @param text the form for people, ending in a line feed, or empty
 */
export async function printResult(
  mode: OutputMode,
  result: unknown,
  text: () => string,
  stream: Stream = "stdout",
): Promise<void> {
  write(stream, mode === "columns" ? text() : await serialize(mode, result));
}

/** A result in a notation for programs, ending in a line feed; it reads back the same, and no terminal acts on it. */
export async function serialize(mode: Exclude<OutputMode, "columns">, result: unknown): Promise<string> {
  if (mode !== "yaml") return `${toJson(result, mode === "jsonpretty" ? 2 : undefined)}\n`;
  const { stringify } = await import("yaml");
  const text = stringify(result, { lineWidth: 0 });
  if (replaceUnsafe(text, () => "") === text) return text;
  // Escapes count in double quotes alone.
  const quoted = stringify(result, { lineWidth: 0, defaultStringType: "QUOTE_DOUBLE" });
  return replaceUnsafe(quoted, (char) => `\\U${char.codePointAt(0)!.toString(16).padStart(8, "0")}`);
}

/** JSON, with everything escaped that a terminal might act on: JSON.stringify leaves much of it raw. */
function toJson(value: unknown, indent: number | undefined): string {
  const escape = (char: string) => char.split("").map(escapeUnit).join("");
  return replaceUnsafe(JSON.stringify(value, undefined, indent), escape);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
