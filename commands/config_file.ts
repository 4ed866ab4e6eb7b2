import { readFileSync } from "node:fs";
import { SatchelError, systemCode } from "../lib/error.ts";

/** What a configuration file may set. */
export interface ConfigFile {
  store?: string;
  authfile?: string;
  insecureRegistries?: string[];
  concurrency?: number;
  /** In milliseconds. */
  lockTimeout?: number;
}

/** The text of a configuration file. */
export interface ConfigText {
  path: string;
  text: string;
}

/**
 * Reads the configuration files that exist, in the order in which they count: the last one most.
 *
 * @param usual where files are looked for; they need not exist
 * @param named a file that somebody asked for, so that it must exist
 * @throws {SatchelError} `usage` if a file cannot be read
 */
export function findConfigFiles(usual: readonly string[], named: string | undefined): ConfigText[] {
  const found = usual.flatMap((path) => readIfThere(path) ?? []);
  return named === undefined ? found : [...found, readNamed(named)];
}

function readNamed(path: string): ConfigText {
  const file = readIfThere(path);
  if (file) return file;
  throw new SatchelError("usage", `cannot read the configuration file ${path}: it does not exist`);
}

function readIfThere(path: string): ConfigText | undefined {
  try {
    return { path, text: readFileSync(path, "utf8") };
  } catch (cause) {
    const code = systemCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const why = code === "EACCES" ? "permission denied" : code ?? String(cause);
    throw new SatchelError("usage", `cannot read the configuration file ${path}: ${why}`, { cause });
  }
}
