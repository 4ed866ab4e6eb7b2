import process from "node:process";
import { bunFfi, openCLibrary } from "./bun_library.ts";

/** Linux tells errors of the disk from 5.8 on: before, a call that failed looked like one that did not. */
const TELLS_ERRORS = [5, 8];

let syncfs: ((fd: number) => number) | undefined;

/**
 * Has the disk write everything of the file system that an open file is in, what other processes wrote included;
 * `syncfs(2)`. Nothing else runs meanwhile.
 *
 * @returns whether all of it is on the disk; false if there was an error, or if this runtime or system cannot do it
 */
export function syncFileSystem(fd: number): boolean {
  if (process.platform !== "linux" || !tellsErrors(process.getBuiltinModule("node:os").release())) return false;
  const ffi = bunFfi();
  if (!ffi) return false;
  syncfs ??= openCLibrary(ffi, { syncfs: { args: ["i32"], returns: "i32" } }).syncfs;
  return syncfs(fd) === 0;
}

function tellsErrors(version: string): boolean {
  const [major, minor] = version.split(".").map(Number);
  return major > TELLS_ERRORS[0] || (major === TELLS_ERRORS[0] && minor >= TELLS_ERRORS[1]);
}
