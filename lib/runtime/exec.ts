import type { ChildProcess } from "node:child_process";
import process from "node:process";
import type { Readable } from "node:stream";
import { cancelled, SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { childProcess, collect, killGroup, notStarted, send, statusOf, tooMuch, type Variables } from "./child.ts";

/** Options of {@link runProgram}. */
export interface ProgramOptions {
  /** The whole environment of the program. */
  environment: Variables;
  /** Where it runs. Default: where this process does. */
  folder?: string;
  /** What it reads from its standard input. Default: nothing. */
  stdin?: string;
  /** How many bytes it may write to stdout, and how many to stderr. */
  maxOutput: number;
  /** Milliseconds after which it is killed. Default: it may take as long as it likes. */
  timeout?: number;
  /** Ends it, and the call with a `cancelled` error. */
  signal?: AbortSignal;
  /**
   * `none`: it has a session of its own without a terminal, and its whole process group is killed when it has to end.
   * `shared`: it may use the terminal of this process, to ask somebody. When it has to end, it alone gets SIGTERM, so that it can
   * leave the terminal as it was, and is killed a second later. Default: `none`.
   */
  terminal?: "none" | "shared";
  /** Gets what it writes to stdout, as it comes and without a limit; `stdout` of the result is empty then. */
  onStdout?: (bytes: Uint8Array) => void;
  /** Gets what it writes to stderr, as it comes and without a limit; `stderr` of the result is empty then. */
  onStderr?: (bytes: Uint8Array) => void;
}

/** What a program did. */
export interface ProgramResult {
  /** Its exit status; 128 and the number of the signal that ended it. */
  status: number;
  stdout: Uint8Array;
  stderr: Uint8Array;
}

/** The status of a program that Ctrl-C has ended. */
const INTERRUPTED = 130;

/** How long a program that was asked to end may take, in milliseconds. */
const GRACE = 1000;

/** How long the output of a program that has ended is waited for, in milliseconds: others may hold its pipes for ever. */
const LAST_WORDS = 1000;

/**
 * Runs a program to its end, without a shell. When it takes too long or says too much, and when the signal is aborted, it is
 * ended. What it leaves behind when it ends by itself may live on, but is
 * not waited for.
 *
 * @param program its path
 * @throws {SatchelError} `program` if it cannot be started, takes too long or writes too much; `cancelled`
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  const { signal, timeout, maxOutput, terminal = "none" } = options;
  const name = printable(program);
  if (signal?.aborted) throw cancelled(signal, `running ${name}`);
  return await new Promise((resolve, reject) => {
    let failure: SatchelError | undefined;
    let child: ChildProcess;
    try {
      child = childProcess().spawn(program, [...args], {
        ...(options.folder !== undefined && { cwd: options.folder }),
        detached: terminal === "none",
        env: { ...options.environment },
        stdio: ["pipe", "pipe", "pipe"],
      });
    } catch (cause) {
      return reject(notStarted(name, cause));
    }
    const stop = (error: SatchelError) => {
      failure ??= error;
      if (terminal === "none") killGroup(child);
      else endAlone(child);
      settle();
    };
    const stdout = options.onStdout
      ? pass(child.stdout!, options.onStdout)
      : collect(child.stdout!, maxOutput, () => stop(tooMuch(name, "stdout", maxOutput)));
    const stderr = options.onStderr
      ? pass(child.stderr!, options.onStderr)
      : collect(child.stderr!, maxOutput, () => stop(tooMuch(name, "stderr", maxOutput)));
    const abort = () => stop(cancelled(signal, `running ${name}`));
    const timer = timeout === undefined ? undefined : setTimeout(() => stop(tooLate(name, timeout)), timeout);
    let lastWords: ReturnType<typeof setTimeout> | undefined;
    let status: number | undefined;
    let settled = false;

    function settle(): void {
      settled = true;
      // Ctrl-C reaches both, and it may end before this process hears of it.
      if (terminal === "shared" && status === INTERRUPTED) failure ??= cancelled(signal, `running ${name}`);
      clearTimeout(timer);
      clearTimeout(lastWords);
      signal?.removeEventListener("abort", abort);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
      if (failure) reject(failure);
      else resolve({ status: status ?? 0, stdout: stdout(), stderr: stderr() });
    }

    signal?.addEventListener("abort", abort, { once: true });
    child.on("error", (cause) => stop(notStarted(name, cause)));
    child.on("exit", (code, by) => {
      status = statusOf(code, by);
      if (!settled) lastWords = setTimeout(settle, LAST_WORDS);
    });
    child.on("close", (code, by) => {
      status ??= statusOf(code, by);
      if (!settled) settle();
    });
    // A program need not read its input.
    child.stdin!.on("error", () => {});
    child.stdin!.end(options.stdin ?? "");
  });
}

/**
 * Runs a program with the standard streams of this process, to its end. As long as it runs, SIGINT and SIGTERM are its
 * business: this process hands them on, and does nothing else about them.
 *
 * @param program its path
 * @param environment its whole environment
 * @returns its exit status; 128 and the number of the signal that ended it
 * @throws {SatchelError} `program` if it cannot be started
 */
export async function runInteractive(
  program: string,
  args: readonly string[],
  environment: Variables,
): Promise<number> {
  let child: ChildProcess | undefined;
  // Not by `child.kill`: after that, Deno takes the program for killed even if it has dealt with the signal.
  using _signals = handSignalsOn((signal) => child?.pid !== undefined && process.kill(child.pid, signal));
  return await new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(notStarted(printable(program), cause));
    try {
      child = childProcess().spawn(program, [...args], { env: { ...environment }, stdio: "inherit" });
    } catch (cause) {
      return fail(cause);
    }
    child.on("error", fail);
    child.on("exit", (code, by) => resolve(statusOf(code, by)));
  });
}

/** Takes the place of whoever listens for signals, until it is disposed of. */
function handSignalsOn(kill: (signal: NodeJS.Signals) => unknown): Disposable {
  const taken = (["SIGINT", "SIGTERM"] as const).map((signal) => {
    const others = process.listeners(signal);
    // What comes from the keyboard of a terminal reaches the program by itself, and twice would mean something else.
    const handler = () => signal === "SIGINT" && process.stdin.isTTY ? undefined : kill(signal);
    process.on(signal, handler);
    for (const other of others) process.off(signal, other);
    return { signal, handler, others };
  });
  return {
    [Symbol.dispose]: () => {
      for (const { signal, handler, others } of taken) {
        for (const other of others) process.on(signal, other);
        process.off(signal, handler);
      }
    },
  };
}

function pass(stream: Readable, onBytes: (bytes: Uint8Array) => void): () => Uint8Array {
  stream.on("error", () => {});
  stream.on("data", onBytes);
  return () => new Uint8Array();
}

function endAlone(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  send("SIGTERM", pid);
  const timer = setTimeout(() => send("SIGKILL", pid), GRACE);
  child.on("exit", () => clearTimeout(timer));
}

function tooLate(name: string, timeout: number): SatchelError {
  return new SatchelError("program", `${name} did not end within ${timeout / 1000} s`);
}
