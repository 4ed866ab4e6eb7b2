import { accessSync, constants, existsSync, lstatSync } from "node:fs";
import { dirname } from "node:path";
import { SatchelError, systemCode, systemReason } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import type { PluginLocation } from "../../lib/plugin/mod.ts";
import { type Distrust, distrustOf } from "../../lib/trust/mod.ts";
import type { MirrorRule } from "../../lib/registry/mod.ts";
import { effectiveUser } from "../../lib/runtime/process.ts";
import type { AllowedName, Policy, VerifyRule } from "../../lib/signing/policy.ts";
import { readSmallFile } from "../../lib/small_file.ts";

/**
 * Configuration files are a few lines; more than this many bytes is a mistake. The YAML parser compares each key of a map with all
 * others: of 64 KiB of keys that took 2 s, of 1 MiB with 30,000 keys 24 s.
 */
const MAX_SIZE = 64 * 1024;

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
  /** What signatures images need that come in. Of each file: see {@link LoadedConfig.policies}. */
  verify?: VerifyRule[];
  /** What names may come in. Of each file too. */
  allowed?: AllowedName[];
}

/** What all configuration files together say. */
export interface LoadedConfig {
  values: ConfigFile;
  /** Where the value of each key stands: `FILE:LINE`. */
  places: { [Key in keyof ConfigFile]?: string };
  /** What each file that says something of it demands of images; none takes the place of another one. */
  policies: Policy[];
}

/** The text of a configuration file. */
export interface ConfigText {
  path: string;
  text: string;
  /** Whether it is the host's, which nobody but root may write. */
  isOfHost?: boolean;
}

/** Told of a file that was passed over: by `note` only those who want to know more, by `warn` everybody. */
export interface PassedOver {
  note(text: string): void;
  warn(text: string): void;
}

/**
 * Reads the configuration files that exist, in the order in which they count: the last one most.
 *
 * They name plugins, mirrors and insecure registries, so one counts only if nobody but root and this user could have put it there,
 * by the file, its folders or a link, and the host's only if nobody but root could.
 *
 * @param usual where the host's and the user's file are looked for; they need not exist. The way to the user's may lead through
 *   what is somebody else's, where HOME is (`sudo` may leave it), and the file is then passed over; the host's may hold rules, and
 *   never is
 * @param named a file that somebody asked for, so that it must exist
 * @throws {SatchelError} `usage` if a file cannot be read; `refused` if others could have written it
 */
export function findConfigFiles(
  usual: { host: string; user?: string },
  named: string | undefined,
  passedOver: PassedOver,
): ConfigText[] {
  const ofHost = readIfThere(usual.host, ROOT);
  if (!ofHost) checkNoLink(usual.host);
  const host = ofHost && { ...ofHost, isOfHost: true };
  const user = usual.user === undefined ? undefined : readIfOwn(usual.user, passedOver);
  const found = [host, user].flatMap((file) => file ?? []);
  return named === undefined ? found : [...found, readNamed(named)];
}

/** A link that leads nowhere was meant to lead to rules, which must not be missing without a word. */
function checkNoLink(path: string): void {
  const link = [path, dirname(path)].find(leadsNowhere);
  if (link === undefined) return;
  throw new SatchelError("usage", `cannot read the configuration file ${path}: the link ${link} leads nowhere`);
}

function leadsNowhere(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink() && !existsSync(path);
  } catch (cause) {
    if (isAbsent(cause)) return false;
    throw unreadable(path, cause);
  }
}

function readNamed(path: string): ConfigText {
  const file = readIfThere(path, effectiveUser());
  if (file) return file;
  throw new SatchelError("usage", `cannot read the configuration file ${path}: it does not exist`);
}

function readIfOwn(path: string, { note, warn }: PassedOver): ConfigText | undefined {
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    if (systemCode(cause) !== "EACCES") throw unreadable(path, cause);
    note(`passed over the configuration file ${path}: permission denied`);
    return undefined;
  }
  // Before anything is opened: of what is somebody else's, not even that it is broken matters.
  const distrust = distrustOf(path, { maySitInSticky: true });
  if (distrust?.kind === "owner") {
    warn(`passed over the configuration file ${path}: ${subject(path, distrust)} ${distrust.text}`);
    return undefined;
  }
  if (distrust) throw refusal(path, distrust);
  return readText(path);
}

/** @param user whose it may be beside root's; `undefined` where there are no users (on Windows) */
function readIfThere(path: string, user: number | undefined): ConfigText | undefined {
  const file = readText(path);
  const distrust = file && user !== undefined ? distrustOf(path, { user, maySitInSticky: true }) : undefined;
  if (distrust) throw refusal(path, distrust);
  return file;
}

function readText(path: string): ConfigText | undefined {
  try {
    return { path, text: decode(readSmallFile(path, MAX_SIZE), path) };
  } catch (cause) {
    if (cause instanceof SatchelError) {
      throw new SatchelError("usage", `the configuration file ${cause.message}`, { cause });
    }
    if (isAbsent(cause)) return undefined;
    throw unreadable(path, cause);
  }
}

function isAbsent(cause: unknown): boolean {
  const code = systemCode(cause);
  return code === "ENOENT" || code === "ENOTDIR";
}

function unreadable(path: string, cause: unknown): SatchelError {
  return new SatchelError("usage", `cannot read the configuration file ${path}: ${systemReason(cause)}`, { cause });
}

function refusal(path: string, distrust: Distrust): SatchelError {
  const message = `the configuration file ${printable(path)} is not taken: ${subject(path, distrust)} ${distrust.text}`;
  return new SatchelError("refused", message, {
    hint: `It can name plugins, whose code runs. If it is as it should be: ${distrust.fix}`,
  });
}

function subject(path: string, { at }: Distrust): string {
  return at === path ? "it" : printable(at);
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SatchelError("invalid", `${path} is not UTF-8`, { cause });
  }
}
