import { accessSync, constants, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";

/**
 * The path of a program that a shell would start; never one of the current folder or below it.
 *
 * @param folders as in `PATH`
 */
export function findOnPath(program: string, folders: string | undefined): string | undefined {
  return (folders ?? "").split(":").filter(isAbsolute).map((folder) => join(folder, program)).find(isProgram);
}

/** Whether this is the path of a file that may be executed. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
