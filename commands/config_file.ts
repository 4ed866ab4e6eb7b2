import { SatchelError, systemCode } from "../lib/error.ts";
import { readSmallFile } from "../lib/small_file.ts";

/** Configuration files are a few lines; more than this many bytes is a mistake. */
const MAX_SIZE = 1024 * 1024;

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
 * @param usual where the host's and the user's file are looked for; they need not exist. The user's may be somebody
 *   else's, where HOME is (`sudo -u` leaves it), and is then passed over; the host's may hold rules, and never is
 * @param named a file that somebody asked for, so that it must exist
 * @param onNote told of a file that was passed over
 * @throws {SatchelError} `usage` if a file cannot be read
 */
export function findConfigFiles(
  usual: { host: string; user?: string },
  named: string | undefined,
  onNote: (note: string) => void,
): ConfigText[] {
  const host = readIfThere(usual.host);
  const user = usual.user === undefined ? undefined : readIfAllowed(usual.user, onNote);
  const found = [host, user].flatMap((file) => file ?? []);
  return named === undefined ? found : [...found, readNamed(named)];
}

function readNamed(path: string): ConfigText {
  const file = readIfThere(path);
  if (file) return file;
  throw new SatchelError("usage", `cannot read the configuration file ${path}: it does not exist`);
}

function readIfAllowed(path: string, onNote: (note: string) => void): ConfigText | undefined {
  try {
    return readIfThere(path);
  } catch (error) {
    if (!(error instanceof SatchelError) || systemCode(error.cause) !== "EACCES") throw error;
    onNote(`passed over the configuration file ${path}: permission denied`);
    return undefined;
  }
}

function readIfThere(path: string): ConfigText | undefined {
  try {
    return { path, text: new TextDecoder().decode(readSmallFile(path, MAX_SIZE)) };
  } catch (cause) {
    if (cause instanceof SatchelError) {
      throw new SatchelError("usage", `the configuration file ${cause.message}`, { cause });
    }
    const code = systemCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const why = code === "EACCES" ? "permission denied" : code ?? String(cause);
    throw new SatchelError("usage", `cannot read the configuration file ${path}: ${why}`, { cause });
  }
}
