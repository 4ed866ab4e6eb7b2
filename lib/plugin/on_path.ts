import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { checkTrust } from "../trust/mod.ts";
import { commandOfFile, EXECUTABLE_PREFIX, isPluginName } from "./names.ts";

/** An executable `satchel-NAME` on `PATH`. */
export interface PathCommand {
  name: string;
  path: string;
  /** Why it is not run: others could have put something else in its place. */
  failure?: SatchelError;
}

/**
 * All executables `satchel-NAME`, by name; of several of one name the one that {@link findCommandOnPath} finds. None of them
 * is run.
 *
 * @param path folders, as in `PATH`
 */
export function commandsOnPath(path: string | undefined): PathCommand[] {
  const names = foldersOf(path).flatMap(namesIn).flatMap((file) => commandOfFile(file) ?? []);
  return [...new Set(names)].sort().flatMap((name) => commandOnPath(name, path) ?? []);
}

function commandOnPath(name: string, folders: string | undefined): PathCommand | undefined {
  const path = firstOnPath(EXECUTABLE_PREFIX + name, folders);
  if (path === undefined) return undefined;
  try {
    checkTrust(path);
    return { name, path };
  } catch (error) {
    if (error instanceof SatchelError) return { name, path, failure: error };
    throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // As a shell does with a folder of PATH that it cannot read.
    return [];
  }
}

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
export function findProgram(program: string, path?: string): string | undefined {
  if (isAbsolute(program)) return trusted(program);
  if (program === "" || program.includes("/")) {
    throw new SatchelError("usage", `${printable(program)} is neither the name of a program nor its absolute path`);
  }
  const found = firstOnPath(program, path);
  return found && trusted(found);
}

/** The folders of `PATH`, but for those that mean the current folder or one below it. */
function foldersOf(path = ""): string[] {
  return path.split(":").filter(isAbsolute);
}

function firstOnPath(program: string, path: string | undefined): string | undefined {
  return foldersOf(path).map((folder) => join(folder, program)).find(isExecutable);
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
