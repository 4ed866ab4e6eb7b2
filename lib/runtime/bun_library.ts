import process from "node:process";
import { SatchelError } from "../error.ts";

/** What is used of `bun:ffi`. */
export interface BunFfi {
  dlopen(
    name: string,
    symbols: Record<string, { args: string[]; returns: string }>,
  ): { symbols: Record<string, (...args: number[]) => number> };
  read: { i32(pointer: number, offset: number): number };
}

/** Bun's way to functions of other libraries; `undefined` in another runtime. */
export function bunFfi(): BunFfi | undefined {
  return process.getBuiltinModule("bun:ffi" as "fs") as unknown as BunFfi | undefined;
}

/**
 * Opens functions of the C library.
 *
 * @param symbols their arguments and results, in the words of `bun:ffi`
 * @throws {SatchelError} `storage` if there is none, or it has none of this name
 */
export function openCLibrary(
  ffi: BunFfi,
  symbols: Record<string, { args: string[]; returns: string }>,
): Record<string, (...args: number[]) => number> {
  const names = process.platform === "darwin"
    ? ["libSystem.B.dylib"]
    : ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];
  let failure: unknown;
  for (const name of names) {
    try {
      return ffi.dlopen(name, symbols).symbols;
    } catch (cause) {
      failure = cause;
    }
  }
  throw new SatchelError("storage", `Cannot open the C library (${names.join(", ")})`, { cause: failure });
}
