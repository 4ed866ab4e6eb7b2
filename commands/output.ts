import { write } from "../lib/terminal/streams.ts";
import { type FlagValues, textOf } from "./flags.ts";
import { OUTPUT_MODES } from "./tree.ts";

/** A form in which results can be had. */
export type OutputMode = (typeof OUTPUT_MODES)[number];

/** The form that `-o` asks for. */
export function outputMode(flags: FlagValues): OutputMode {
  const asked = textOf(flags, "output");
  return OUTPUT_MODES.find((mode) => mode === asked) ?? "columns";
}

/**
 * Prints a result on stdout: as `text` has it for people, or as the value itself for programs.
 *
 * @param text the form for people, ending in a line feed, or empty
 */
export async function printResult(mode: OutputMode, result: unknown, text: () => string): Promise<void> {
  write("stdout", mode === "columns" ? text() : await serialize(mode, result));
}

async function serialize(mode: Exclude<OutputMode, "columns">, result: unknown): Promise<string> {
  if (mode === "json") return `${escapeControls(JSON.stringify(result))}\n`;
  if (mode === "jsonpretty") return `${escapeControls(JSON.stringify(result, undefined, 2))}\n`;
  const { stringify } = await import("yaml");
  return stringify(result, { lineWidth: 0 });
}

/** JSON.stringify escapes C0 controls alone; DEL and C1 would reach the terminal raw. */
function escapeControls(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
