import { readdirSync, statSync } from "node:fs";
import { basename, isAbsolute, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { SatchelError, systemCode } from "../error.ts";
import { printable } from "../printable.ts";
import type { Json } from "./contract.ts";
import type { FoundPlugin, PluginOptions } from "./host.ts";
import { isExecutable } from "./on_path.ts";
import { checkTrust } from "./trust.ts";

/** A plugin that was found and may be loaded, unless there is a failure. */
export interface Candidate {
  form: FoundPlugin["form"];
  /** Absolute, or `builtin:NAME`. */
  path: string;
  /** The same without links; what is loaded. */
  realPath: string;
  from: string;
  settings: { readonly [key: string]: Json };
  failure?: SatchelError;
}

const BUILTIN = "builtin:";
const MODULE = /^[^._].*\.(ts|js|mjs)$/;
const DECLARATIONS = /\.d\.ts$/;
const EXECUTABLE = /^satchel-./;

/**
 * Finds plugins: those that were named, then those in the folders, each once. Nothing of them runs; those that others could
 * have changed come with a failure.
 */
export function findPlugins(
  { named, folders, onWarning }: Pick<PluginOptions, "named" | "folders" | "onWarning">,
): Candidate[] {
  const found = [
    ...named.map(({ path, from, settings }) => candidateAt(path, from, settings)),
    ...folders.flatMap((folder) => inFolder(folder)),
  ];
  return unique(found, onWarning);
}

/** What an unusable plugin is called. */
export function fileName(path: string): string {
  return path.startsWith(BUILTIN) ? path.slice(BUILTIN.length) : basename(path);
}

/** Looks at one path that somebody named. */
export function candidateAt(path: string, from: string, settings?: { readonly [key: string]: Json }): Candidate {
  const given = settings ?? {};
  if (path.startsWith(BUILTIN)) return { form: "builtin", path, realPath: path, from, settings: given };
  const absolute = isAbsolute(path) ? path : `${resolve(".")}/${path}`;
  const file = moduleOfFolder(absolute) ?? absolute;
  const form = MODULE.test(basename(file)) || DECLARATIONS.test(file) ? "module" : "executable";
  const found: Candidate = { form, path: file, realPath: file, from, settings: given };
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
function inFolder(folder: string): Candidate[] {
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
    return [{ form: "module", path: folder, realPath: folder, from: folder, settings: {}, failure }];
  }
  return names.sort().filter((name) => isPlugin(folder, name)).map((name) => candidateAt(join(folder, name), folder));
}

function isPlugin(folder: string, name: string): boolean {
  const path = join(folder, name);
  if (/^[._]/.test(name)) return false;
  // A broken link to a module counts: something is missing that was wanted.
  if (MODULE.test(name)) return !DECLARATIONS.test(name);
  return (EXECUTABLE.test(name) && isExecutable(path)) || moduleOfFolder(path) !== undefined;
}

/** `NAME/NAME.ts` or `NAME/NAME.js` of a folder `NAME`. */
function moduleOfFolder(path: string): string | undefined {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const files = ["ts", "js", "mjs"].map((extension) => join(path, `${basename(path)}.${extension}`));
  return files.find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}

function checkKind(path: string): void {
  const isModule = MODULE.test(basename(path)) && !DECLARATIONS.test(path);
  if (isModule ? statSync(path).isFile() : isExecutable(path)) return;
  throw new SatchelError("plugin", `${printable(path)} is neither a module nor a program`, {
    hint: "A plugin is a file NAME.ts, NAME.js or NAME.mjs, or an executable file (chmod +x).",
  });
}

/** The first of those with the same real path, with the first settings that one of them has. */
function unique(found: readonly Candidate[], onWarning: (message: string) => void): Candidate[] {
  const groups = Map.groupBy(found, ({ realPath }) => realPath);
  return [...groups.values()].map((same) => {
    const [first, ...others] = same.filter(({ settings }) => Object.keys(settings).length > 0);
    for (const { path, from, settings } of others) {
      if (isDeepStrictEqual(settings, first.settings)) continue;
      const name = printable(path);
      onWarning(`the settings of ${name} by ${printable(from)} are not used: it has those by ${printable(first.from)}`);
    }
    return { ...same[0], settings: first?.settings ?? {} };
  });
}
