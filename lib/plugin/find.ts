import { readdirSync, statSync } from "node:fs";
import { basename, isAbsolute, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { SatchelError, systemCode } from "../error.ts";
import { printable } from "../printable.ts";
import type { Json } from "./contract.ts";
import { checkTrust } from "../trust/mod.ts";
import type { FoundPlugin, PluginLocation, PluginOptions } from "./host_types.ts";
import { BUILTIN, EXECUTABLE_PREFIX } from "./names.ts";
import { isExecutable } from "./on_path.ts";

/** A plugin that was found and may be loaded, unless there is a failure. */
export interface Candidate {
  form: FoundPlugin["form"];
  /** Absolute, or `builtin:NAME`. */
  path: string;
  /** The same without links; what is loaded. */
  realPath: string;
  from: string;
  settings: { readonly [key: string]: Json };
  /** In milliseconds. */
  timeout?: number;
  failure?: SatchelError;
}

const MODULE = /^[^._].*\.(ts|js|mjs)$/;
const DECLARATIONS = /\.d\.ts$/;
/** What only looks like a module: no runtime loads all of these alike. */
const OTHER_CODE = /\.(mts|cts|cjs|tsx|jsx)$/;

/**
 * Finds plugins: those that were named, then those in the folders, each once. Nothing of them runs; those that others could
 * have changed come with a failure.
 */
export function findPlugins(
  { named, folders, onWarning }: Pick<PluginOptions, "named" | "folders" | "onWarning">,
): Candidate[] {
  const found = [
    ...named.map(candidateAt),
    ...folders.flatMap((folder) => inFolder(folder, onWarning)),
  ];
  return unique(found, onWarning);
}

/** What an unusable plugin is called. */
export function fileName(path: string): string {
  return path.startsWith(BUILTIN) ? path.slice(BUILTIN.length) : basename(path);
}

/** Looks at one path that somebody named. */
export function candidateAt({ path, from, settings = {}, timeout }: PluginLocation): Candidate {
  const given = { from, settings, ...(timeout !== undefined && { timeout }) };
  if (path.startsWith(BUILTIN)) return { form: "builtin", path, realPath: path, ...given };
  const absolute = isAbsolute(path) ? path : `${resolve(".")}/${path}`;
  const file = fileAt(absolute);
  const form = MODULE.test(basename(file)) || DECLARATIONS.test(file) ? "module" : "executable";
  const found: Candidate = { form, path: file, realPath: file, ...given };
  try {
    const realPath = checkTrust(file);
    checkKind(file);
    return { ...found, realPath };
  } catch (error) {
    if (error instanceof SatchelError) return { ...found, failure: error };
    throw error;
  }
}

/** What a folder of plugins holds, by name. What cannot be looked at could hold a guard, so it is a failure. */
function inFolder(folder: string, onWarning: (message: string) => void): Candidate[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (cause) {
    const code = systemCode(cause);
    if (code === "ENOENT") return [];
    const reason = cause instanceof Error ? cause.message : String(cause);
    const failure = new SatchelError("storage", `cannot read the folder of plugins ${printable(folder)}: ${reason}`, {
      hint: "Let this user read it, or leave plugins out with --no-plugins.",
      cause,
    });
    return [folderFailure(folder, failure)];
  }
  const found = names.sort().flatMap((name) => {
    const path = join(folder, name);
    if (isPlugin(path)) return [candidateAt({ path, from: folder })];
    const reason = whyNoPlugin(path);
    if (reason) onWarning(`${printable(path)} is not used as a plugin: ${reason}`);
    return [];
  });
  return found.length > 0 ? found : emptyFolder(folder);
}

/** Where others may write, they may have taken a guard away. */
function emptyFolder(folder: string): Candidate[] {
  try {
    checkTrust(folder);
    return [];
  } catch (error) {
    if (error instanceof SatchelError) return [folderFailure(folder, error)];
    throw error;
  }
}

function folderFailure(folder: string, failure: SatchelError): Candidate {
  return { form: "module", path: folder, realPath: folder, from: folder, settings: {}, failure };
}

/** Whether a path in a folder of plugins is one, or was meant to be one by its name. */
function isPlugin(path: string): boolean {
  const name = basename(path);
  if (isHidden(name) || DECLARATIONS.test(name)) return false;
  // A broken link counts: something is missing that was wanted.
  if (MODULE.test(name)) return true;
  try {
    return moduleOfFolder(path) !== undefined || (name.startsWith(EXECUTABLE_PREFIX) && !isFolder(path));
  } catch {
    // What cannot be looked at may hold a guard.
    return true;
  }
}

/** Why something that looks like code is no plugin; `undefined` if it does not look like that. */
function whyNoPlugin(path: string): string | undefined {
  const name = basename(path);
  if (isHidden(name) || DECLARATIONS.test(name)) return undefined;
  if (OTHER_CODE.test(name)) return "a module is a file NAME.ts, NAME.js or NAME.mjs";
  if (isExecutable(path)) return `an executable is called ${EXECUTABLE_PREFIX}NAME`;
  if (!isFolder(path)) return undefined;
  const hasIndex = ["index.ts", "index.js", "index.mjs"].some((file) => isFile(join(path, file)));
  return hasIndex ? `the module of a folder is called like the folder, ${printable(name)}.ts` : undefined;
}

function isHidden(name: string): boolean {
  return /^[._]/.test(name);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** The file that a plugin is loaded from; a path that cannot be looked at stays as it is, and is refused later. */
function fileAt(path: string): string {
  try {
    return moduleOfFolder(path) ?? path;
  } catch {
    return path;
  }
}

/** `NAME/NAME.ts` or `NAME/NAME.js` of a folder `NAME`. */
function moduleOfFolder(path: string): string | undefined {
  if (!isFolder(path)) return undefined;
  const files = ["ts", "js", "mjs"].map((extension) => join(path, `${basename(path)}.${extension}`));
  return files.find(isFile);
}

function checkKind(path: string): void {
  const isModule = MODULE.test(basename(path)) && !DECLARATIONS.test(path);
  if (isModule ? statSync(path).isFile() : isExecutable(path)) return;
  if (basename(path).startsWith(EXECUTABLE_PREFIX) && isFile(path)) {
    throw new SatchelError("plugin", `${printable(path)} may not be executed by this user`, {
      hint: "If it is a plugin, make it executable (chmod +x); if it is none, move it elsewhere.",
    });
  }
  throw new SatchelError("plugin", `${printable(path)} is neither a module nor a program`, {
    hint: "A plugin is a file NAME.ts, NAME.js or NAME.mjs, or an executable file (chmod +x).",
  });
}

/** The first of those with the same real path, with the first settings and the first time limit that one of them has. */
function unique(found: readonly Candidate[], onWarning: (message: string) => void): Candidate[] {
  const groups = Map.groupBy(found, ({ realPath }) => realPath);
  return [...groups.values()].map((same) => {
    const [first, ...others] = same.filter(({ settings }) => Object.keys(settings).length > 0);
    for (const { path, from, settings } of others) {
      if (isDeepStrictEqual(settings, first.settings)) continue;
      const name = printable(path);
      onWarning(`the settings of ${name} by ${printable(from)} are not used: it has those by ${printable(first.from)}`);
    }
    const timeout = same.find((each) => each.timeout !== undefined)?.timeout;
    return { ...same[0], settings: first?.settings ?? {}, ...(timeout !== undefined && { timeout }) };
  });
}
