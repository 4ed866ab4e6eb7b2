import type { ChildProcess } from "node:child_process";
import { Buffer } from "node:buffer";
import process from "node:process";
import type { Readable } from "node:stream";
import { SatchelError, systemCode } from "../error.ts";
import { printable } from "../printable.ts";

/** Variables of an environment. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Loaded when it is needed: that takes milliseconds, and most commands run no program. */
export const childProcess = () => process.getBuiltinModule("node:child_process");

/** Keeps what a stream says, up to a limit; beyond it `onTooMuch` is called, once. */
export function collect(stream: Readable, limit: number, onTooMuch: () => void): () => Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  stream.on("error", () => {});
  stream.on("data", (chunk: Uint8Array) => {
    if (length > limit) return;
    length += chunk.length;
    if (length > limit) return onTooMuch();
    chunks.push(chunk);
  });
  return () => Buffer.concat(chunks);
}

/** Kills a child that has a session of its own, and all that it has started in there. */
export function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) send("SIGKILL", -pid);
}

/** Sends a signal; whoever has ended meanwhile is left alone. */
export function send(signal: NodeJS.Signals, pid: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended meanwhile.
    if (systemCode(error) !== "ESRCH" && !(error instanceof TypeError)) throw error;
  }
}

/** The status as a shell tells it: 128 and its number if a signal ended the child. */
export function statusOf(code: number | null, signal: string | null): number {
  if (code !== null) return code;
  return 128 + (process.getBuiltinModule("node:os").constants.signals[signal as NodeJS.Signals] ?? 0);
}

/** The error for a program that could not be started. */
export function notStarted(name: string, cause: unknown): SatchelError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "it is not there, or the interpreter that its first line names is not",
    EACCES: "it may not be executed",
    ENOEXEC: "it is no program for this machine; a script has to begin with a line such as #!/bin/sh",
    E2BIG: "its arguments and its environment are too long",
  };
  const code = systemCode(cause);
  const reason = (code && reasons[code]) ?? (cause instanceof Error ? cause.message : String(cause));
  return new SatchelError("program", `cannot start ${name}: ${printable(reason, 200)}`, { cause });
}

/** The error for a program that says more than its caller wants to hear. */
export function tooMuch(name: string, stream: string, limit: number): SatchelError {
  return new SatchelError("program", `${name} wrote more than ${limit} bytes to ${stream}`);
}
