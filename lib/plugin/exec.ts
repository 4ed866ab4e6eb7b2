import { type ProgramOptions, runProgram } from "../runtime/exec.ts";
import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import type { ExecOptions, ExecResult } from "./contract.ts";
import { findProgram } from "./on_path.ts";

/** How much a program that a plugin runs may write to stdout, and to stderr, in bytes. */
const OUTPUT_LIMIT = 1 << 20;

/** On whose behalf a program is run. */
export interface ExecCaller {
  /** The variables that the program gets. */
  environment: { readonly [name: string]: string | undefined };
  /** Ends the program. */
  signal: AbortSignal;
  /** Whether it may ask somebody at the terminal. */
  terminal: ProgramOptions["terminal"];
}

/**
 * Runs a program for a plugin: `context.exec`.
 *
 * @throws {SatchelError} `program` if it cannot be started, takes too long or writes too much, or is not there; `refused` if others could have
 * put something else in its place; `cancelled`
 */
export async function execForPlugin(
  program: string,
  args: readonly string[],
  options: ExecOptions,
  { environment, signal, terminal }: ExecCaller,
): Promise<ExecResult> {
  checkCall(program, args, options);
  const path = findProgram(program, environment.PATH);
  if (path === undefined) {
    throw new SatchelError("program", `there is no program ${printable(program)} on PATH`, {
      hint: "Install it, or add its folder to PATH.",
    });
  }
  const { status, stdout, stderr } = await runProgram(path, args, {
    environment,
    maxOutput: OUTPUT_LIMIT,
    signal,
    terminal,
    ...(options.stdin !== undefined && { stdin: options.stdin }),
    ...(options.timeout !== undefined && { timeout: options.timeout }),
  });
  const decoder = new TextDecoder();
  return { status, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** What comes out of a worker may be anything. */
function checkCall(program: unknown, args: unknown, options: unknown): void {
  const { stdin, timeout } = (options ?? {}) as Partial<Record<string, unknown>>;
  const isRight = typeof program === "string" && !program.includes("\0") &&
    Array.isArray(args) && args.every((each) => typeof each === "string" && !each.includes("\0")) &&
    (stdin === undefined || typeof stdin === "string") &&
    (timeout === undefined || (typeof timeout === "number" && timeout > 0));
  if (!isRight) {
    throw new SatchelError("plugin", "exec takes a program, a list of texts, and options { stdin, timeout }");
  }
}
