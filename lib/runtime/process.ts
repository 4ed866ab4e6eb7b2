import { readFileSync } from "node:fs";
import { basename } from "node:path";
import process from "node:process";

/** The part of `globalThis.Bun` and `globalThis.Deno` that is looked at here. */
interface RuntimeGlobals {
  Bun?: { version: string };
  Deno?: { version: { deno: string } };
}

/** What runs this program. */
export interface Runtime {
  name: "bun" | "deno";
  version: string;
}

/** Processor names of the OCI image-spec (Go's GOARCH) for those of Node. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

/** The runtime and its version. */
export function runtime(): Runtime {
  const { Bun: bun, Deno: deno } = globalThis as RuntimeGlobals;
  if (bun) return { name: "bun", version: bun.version };
  if (deno) return { name: "deno", version: deno.version.deno };
  throw new Error("neither Bun nor Deno runs this program");
}

/** Where this program runs, as `os/architecture` in the words of the image-spec: `linux/amd64`. */
export function hostPlatform(): string {
  return `${process.platform}/${ARCHITECTURES[process.arch] ?? process.arch}`;
}

/** The arguments of the command line, without the program's own name. */
export function commandLine(): string[] {
  return process.argv.slice(2);
}

/** What the program calls itself: `ig` if it was started through a link of that name, `satchel` otherwise. */
export function invocationName(): "ig" | "satchel" {
  return basename(process.argv0) === "ig" ? "ig" : "satchel";
}

/** The number of the user whose rights this process has; `undefined` where users have none. */
export function effectiveUser(): number | undefined {
  return process.geteuid?.();
}

/** The number of the group whose rights this process has; `undefined` where groups have none. */
export function effectiveGroup(): number | undefined {
  return process.getegid?.();
}

/** The number of the user who has started this process; `undefined` where users have none. */
export function realUser(): number | undefined {
  return process.getuid?.();
}

/** Ends the process at once. For `main.ts` alone. */
export function exit(status: number): never {
  process.exit(status);
}

/** A signal that ends a program. */
export type TerminationSignal = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGQUIT";

/** Signals that may be ignored on purpose, with their bits in a set of signals. */
const IGNORABLE = { SIGHUP: 1n << 0n, SIGQUIT: 1n << 2n } as const;

/**
 * Calls `handler` at every SIGINT and SIGTERM, instead of dying of them, and at every SIGHUP and SIGQUIT unless whoever started this
 * process has it ignore them, as `nohup` does.
 */
export function onTermination(handler: (signal: TerminationSignal) => void): void {
  const ignored = ignoredSignals();
  const heard = (["SIGHUP", "SIGQUIT"] as const).filter((signal) => (ignored & IGNORABLE[signal]) === 0n);
  for (const signal of ["SIGINT", "SIGTERM", ...heard] as const) process.on(signal, () => handler(signal));
}

/** The set of signals that this process ignores, as proc_pid_status(5) has it; empty where there is no such file. */
function ignoredSignals(): bigint {
  try {
    return BigInt(`0x${/^SigIgn:\t([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0"}`);
  } catch {
    return 0n;
  }
}

/** Calls `handler` with what nobody caught, instead of printing its stack trace. */
export function onUncaught(handler: (error: unknown) => void): void {
  process.on("uncaughtException", handler);
  process.on("unhandledRejection", handler);
}

/** Variables of the environment. For `main.ts`, which hands them to `commands/settings/settings.ts`. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** Whether the process runs as root. */
export function isRoot(): boolean {
  return realUser() === 0;
}

/** Memory of this process that is not swapped out, in bytes. */
export function residentMemory(): number {
  return process.memoryUsage.rss();
}
