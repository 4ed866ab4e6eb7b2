import type { Stats } from "node:fs";
import { SatchelError, systemCode, systemReason } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import type { PluginLocation } from "../../lib/plugin/mod.ts";
import { fileProblem } from "../../lib/trust/mod.ts";
import type { MirrorRule } from "../../lib/registry/mod.ts";
import { effectiveUser } from "../../lib/runtime/process.ts";
import { readSmallFile } from "../../lib/small_file.ts";

/** Configuration files are a few lines; more than this many bytes is a mistake. */
const MAX_SIZE = 1024 * 1024;

const ROOT = 0;

/** What a configuration file may set. */
export interface ConfigFile {
  store?: string;
  authfile?: string;
  insecureRegistries?: string[];
  mirrors?: MirrorRule[];
  plugins?: PluginLocation[];
  concurrency?: number;
  /** In milliseconds. */
  lockTimeout?: number;
}

/** What all configuration files together say. */
export interface LoadedConfig {
  values: ConfigFile;
  /** Where the value of each key stands: `FILE:LINE`. */
  places: { [Key in keyof ConfigFile]?: string };
}

/** The text of a configuration file. */
export interface ConfigText {
  path: string;
  text: string;
}

/** Told of a file that was passed over: by `note` only those who want to know more, by `warn` everybody. */
export interface PassedOver {
  note(text: string): void;
  warn(text: string): void;
}

/** Whose a file must be, and why it is refused or passed over if it is not. */
type OwnerRule = (path: string, stat: Stats) => SatchelError | undefined;

/** Thrown for a file that is passed over, since it is somebody else's. */
class Foreign extends Error {}

/**
 * Reads the configuration files that exist, in the order in which they count: the last one most.
 *
 * They name plugins, mirrors and insecure registries, so one counts only if nobody but root and this user could have written it,
 * and the host's only if nobody but root could.
 *
 * @param usual where the host's and the user's file are looked for; they need not exist. The user's may be somebody
 *   else's, where HOME is (`sudo` may leave it), and is then passed over; the host's may hold rules, and never is
 * @param named a file that somebody asked for, so that it must exist
 * @throws {SatchelError} `usage` if a file cannot be read; `refused` if others could have written it
 */
export function findConfigFiles(
  usual: { host: string; user?: string },
  named: string | undefined,
  passedOver: PassedOver,
): ConfigText[] {
  const host = readIfThere(usual.host, ownedBy(ROOT));
  const user = usual.user === undefined ? undefined : readIfOwn(usual.user, passedOver);
  const found = [host, user].flatMap((file) => file ?? []);
  return named === undefined ? found : [...found, readNamed(named)];
}

function readNamed(path: string): ConfigText {
  const file = readIfThere(path, ownedBy(effectiveUser()));
  if (file) return file;
  throw new SatchelError("usage", `cannot read the configuration file ${path}: it does not exist`);
}

function readIfOwn(path: string, { note, warn }: PassedOver): ConfigText | undefined {
  const isOwn = ownedBy(effectiveUser());
  try {
    return readIfThere(path, (path, stat) => {
      if (isForeign(stat, effectiveUser())) throw new Foreign();
      return isOwn(path, stat);
    });
  } catch (error) {
    if (error instanceof Foreign) warn(`passed over the configuration file ${path}: it belongs to another user`);
    else if (isDenied(error)) note(`passed over the configuration file ${path}: permission denied`);
    else throw error;
    return undefined;
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof SatchelError && systemCode(error.cause) === "EACCES";
}

function isForeign(stat: Stats, user: number | undefined): boolean {
  return user !== undefined && fileProblem(stat, user) === "owner";
}

/** @param user `undefined` where there are no users (on Windows), so that there is nothing to go by */
function ownedBy(user: number | undefined): OwnerRule {
  return (path, stat) => {
    if (user === undefined) return undefined;
    const shown = printable(path);
    const problem = fileProblem(stat, user);
    if (problem === "owner") {
      const owner = user === ROOT ? "root" : "this user or root";
      return new SatchelError("refused", `the configuration file ${shown} does not belong to ${owner}`, {
        hint: `If it is as it should be: chown ${user === ROOT ? "root" : user} ${shown}`,
      });
    }
    if (problem === undefined) return undefined;
    return new SatchelError("refused", `others may write to the configuration file ${shown}`, {
      hint: `It can name plugins, whose code runs. If it is as it should be: chmod go-w ${shown}`,
    });
  };
}

function readIfThere(path: string, rule: OwnerRule): ConfigText | undefined {
  const check = (stat: Stats) => {
    const refusal = rule(path, stat);
    if (refusal) throw refusal;
  };
  try {
    return { path, text: decode(readSmallFile(path, MAX_SIZE, check), path) };
  } catch (cause) {
    if (cause instanceof Foreign || (cause instanceof SatchelError && cause.code === "refused")) throw cause;
    if (cause instanceof SatchelError) {
      throw new SatchelError("usage", `the configuration file ${cause.message}`, { cause });
    }
    const code = systemCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new SatchelError("usage", `cannot read the configuration file ${path}: ${systemReason(cause)}`, { cause });
  }
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SatchelError("invalid", `${path} is not UTF-8`, { cause });
  }
}
