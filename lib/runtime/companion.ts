import type { ChildProcess } from "node:child_process";
import { printable } from "../printable.ts";
import { childProcess, collect, killGroup, notStarted, statusOf, tooMuch, type Variables } from "./child.ts";
import type { ProgramResult } from "./exec.ts";

/** Options of {@link startCompanion}. */
export interface CompanionOptions {
  /** The whole environment of the program. */
  environment: Variables;
  /** A line that it is told at once, and that it is to say again when it is ready, as `cat` does. */
  greeting: string;
  /** How many bytes it may write to stdout, and how many to stderr. */
  maxOutput: number;
}

/** A program that reads its input to the end, and is to end then. The kernel ends this input when this process dies, however it dies. */
export interface Companion {
  /** Whether it has said its greeting; `false` if it has ended without. */
  readonly ready: Promise<boolean>;
  /** What it did, when it has ended. Fails with a `program` error if it could not be started or wrote too much. */
  readonly ended: Promise<ProgramResult>;
  /** Ends its input. */
  dismiss(): void;
  /** Kills it and what it has started. */
  kill(): void;
}

/** Starts a program that is there as long as it is needed, in a session of its own, so that Ctrl-C does not reach it. */
export function startCompanion(program: string, args: readonly string[], options: CompanionOptions): Companion {
  const { environment, greeting, maxOutput } = options;
  const name = printable(program);
  let child: ChildProcess;
  try {
    child = childProcess().spawn(program, [...args], { detached: true, env: { ...environment }, stdio: "pipe" });
  } catch (cause) {
    return failed(notStarted(name, cause));
  }
  const ready = Promise.withResolvers<boolean>();
  const ended = Promise.withResolvers<ProgramResult>();
  // Whoever waits for it hears of it; nobody has to.
  ended.promise.catch(() => {});
  const fail = (error: Error) => {
    killGroup(child);
    ended.reject(error);
    ready.resolve(false);
  };
  const stdout = collect(child.stdout!, maxOutput, () => fail(tooMuch(name, "stdout", maxOutput)));
  const stderr = collect(child.stderr!, maxOutput, () => fail(tooMuch(name, "stderr", maxOutput)));
  const listen = () => {
    if (!new TextDecoder().decode(stdout()).split(/\r?\n/).slice(0, -1).includes(greeting)) return;
    child.stdout!.off("data", listen);
    ready.resolve(true);
  };
  child.stdout!.on("data", listen);
  child.on("error", (cause) => fail(notStarted(name, cause)));
  child.on("close", (code, by) => {
    ended.resolve({ status: statusOf(code, by), stdout: stdout(), stderr: stderr() });
    ready.resolve(false);
  });
  child.stdin!.on("error", () => {});
  child.stdin!.write(`${greeting}\n`);
  return {
    ready: ready.promise,
    ended: ended.promise,
    dismiss: () => void child.stdin!.end(),
    kill: () => killGroup(child),
  };
}

function failed(error: Error): Companion {
  const ended = Promise.reject(error);
  ended.catch(() => {});
  return { ready: Promise.resolve(false), ended, dismiss: () => {}, kill: () => {} };
}
