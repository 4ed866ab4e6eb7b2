import { accessSync, constants, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { checkTrust } from "../trust/mod.ts";
import { EXECUTABLE_PREFIX, isPluginName } from "./names.ts";

/**
 * Finds the executable `satchel-NAME`, which is what `satchel NAME ...` runs.
 *
 * @param path folders, as in `PATH`
 * @returns its path, `undefined` if there is none
 * @throws {SatchelError} `refused` if others could have put something else in its place
 */
export function findCommandOnPath(name: string, path: string | undefined): string | undefined {
  return isPluginName(name) ? findProgram(EXECUTABLE_PREFIX + name, path) : undefined;
}

/**
 * Finds a program as a shell would, but never in the current folder.
 *
 * @param program its name, or its absolute path
 * @param path folders, as in `PATH`
 * @returns its path, `undefined` if there is none
 * @throws {SatchelError} `refused` if others could have put something else in its place; `usage` for a relative path
 */
export function findProgram(program: string, path = ""): string | undefined {
  if (isAbsolute(program)) return trusted(program);
  if (program === "" || program.includes("/")) {
    throw new SatchelError("usage", `${printable(program)} is neither the name of a program nor its absolute path`);
  }
  const folders = path.split(":").filter(isAbsolute);
  const found = folders.map((folder) => join(folder, program)).find(isExecutable);
  return found && trusted(found);
}

function trusted(path: string): string | undefined {
  if (!isExecutable(path)) return undefined;
  checkTrust(path);
  return path;
}

/** Whether a path leads to a file that this process may execute. */
export function isExecutable(path: string): boolean {
  try {
    if (!statSync(path).isFile()) return false;
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
