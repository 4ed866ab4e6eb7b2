import { readdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { SatchelError } from "../../lib/error.ts";
import { findProgram, isExecutable } from "../../lib/plugin/mod.ts";
import type { PluginReport } from "./report.ts";

const FILE_NAME = /^satchel-([a-z][a-z0-9-]*)$/;

/**
 * The executables `satchel-NAME` on `PATH`, each of which is a command `satchel NAME`. None of them is run.
 *
 * @param path folders, as in `PATH`
 * @param isTaken whether something else goes by a name
 */
export function commandsOnPath(path: string | undefined, isTaken: (name: string) => boolean): PluginReport[] {
  const folders = (path ?? "").split(":").filter(isAbsolute);
  const names = folders.flatMap(namesIn).filter((name) => !isTaken(name));
  return [...new Set(names)].sort().flatMap((name) => reportOf(name, folders) ?? []);
}

function namesIn(folder: string): string[] {
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch {
    // As a shell does with a folder of PATH that it cannot read.
    return [];
  }
  return files.flatMap((file) => FILE_NAME.exec(file)?.[1] ?? []);
}

function reportOf(name: string, folders: readonly string[]): PluginReport | undefined {
  const path = folders.map((folder) => join(folder, `satchel-${name}`)).find(isExecutable);
  if (path === undefined) return undefined;
  const report = { name, form: "executable", hooks: [], path, from: "PATH" };
  try {
    findProgram(path);
    return { ...report, state: "command", reason: "", hint: "" };
  } catch (error) {
    if (!(error instanceof SatchelError)) throw error;
    return { ...report, state: "failed", reason: error.message, hint: error.hint ?? "" };
  }
}
