import { SatchelError } from "../../lib/error.ts";
import { printableLines } from "../../lib/printable.ts";
import { pathName, UsageContext } from "../line/parse.ts";
import { obstacleHint, remedyHint } from "./hints.ts";

/**
 * What is printed about an error: what failed, on what and why, then what to try.
 *
 * @param flags long names of the flags that the command has
 * @param program what it was called as
 */
export function errorText(error: unknown, flags: ReadonlySet<string> = new Set(), program = "satchel"): string {
  return failureText(error) + hintText(error, flags, program);
}

/** The first part of it: what failed, on what and why. */
export function failureText(error: unknown): string {
  const lines = [`Error: ${indented(messageOf(error))}`];
  if (error instanceof SatchelError && error.cause instanceof UsageContext) lines.push(...usageAdvice(error.cause));
  return `${printableLines(lines.join("\n"))}\n`;
}

/** The second one: what to try. Empty where nobody knows. */
export function hintText(error: unknown, flags: ReadonlySet<string>, program: string): string {
  const hint = error instanceof SatchelError ? hintOf(error, flags, program) : undefined;
  return hint ? `${printableLines(`Hint: ${indented(hint)}`)}\n` : "";
}

/** What `--debug` adds to it: the stack trace, and those of the errors behind it. Empty for what is no error. */
export function stackText(error: unknown): string {
  return stackLines(error).map((line) => `${printableLines(line)}\n`).join("");
}

function hintOf(
  { hint, remedy, obstacle }: SatchelError,
  flags: ReadonlySet<string>,
  program: string,
): string | undefined {
  const more = remedy && remedyHint(remedy, flags, program);
  if (hint !== undefined || more !== undefined) return [hint, more].filter(Boolean).join(" ");
  return obstacle && obstacleHint(obstacle, flags, program);
}

/** Further lines of a message are set off, so that none of them can pass for one of ours. */
function indented(message: string): string {
  return message.replaceAll("\n", "\n  ");
}

function messageOf(error: unknown): string {
  if (error instanceof SatchelError) return error.message;
  if (!(error instanceof Error)) return String(error);
  // What no code of ours threw on purpose is a mistake of ours: its kind helps to find it.
  return withoutSecrets(error.name === "Error" ? error.message : `${error.name}: ${error.message}`);
}

function usageAdvice({ path, suggested }: UsageContext): string[] {
  const help = `Run '${pathName(path)} --help' for usage.`;
  if (suggested.length === 0) return [help];
  return ["", "Did you mean this?", ...suggested.map((name) => `\t${name}`), "", help];
}

function stackLines(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const stack = indented(withoutSecrets(error.stack ?? String(error)));
  return error.cause instanceof Error ? [stack, "Caused by:", ...stackLines(error.cause)] : [stack];
}

/** What a runtime says of a failed request has the whole URL in it: a proxy's password, signatures, what a registry repeats in a redirect. */
function withoutSecrets(text: string): string {
  return text
    .replace(/(https?:\/\/)[^\s"'\/?@]*@/gi, "$1...@")
    .replace(/(https?:\/\/[^\s"'\/?#]*)[\/?#][^\s"']*/gi, "$1/...");
}
