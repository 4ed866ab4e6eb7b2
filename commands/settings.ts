import { join, resolve } from "node:path";
import { SatchelError } from "../lib/error.ts";
import { isRegistry, type Reference } from "../lib/oci/reference.ts";
import type { PluginLocation } from "../lib/plugin/mod.ts";
import { isRoot, passwdHome } from "../lib/runtime/process.ts";
import { type ConfigFile, findConfigFiles } from "./config_file.ts";
import { concurrencyOf, durationOf, type FlagValues, isSet, listOf, splitList, textOf } from "./flags.ts";
import type { Environment, Invocation } from "./invocation.ts";

/** Where root has the store and the authentication file, which `ig` uses too. */
const ROOT_FOLDER = "/var/lib/ig";

/** The authentication file that `ig login` writes. */
const ROOT_AUTH_FILE = join(ROOT_FOLDER, "config.json");

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/** Everything that a command may be told from outside, by flags, environment and configuration files. */
export interface Settings {
  /** Path of the local store. */
  store: string;
  /** Path of the authentication file, where somebody named one; it must exist. */
  authfile?: string;
  /** Paths of the authentication files that are looked for where nobody named one, in this order. */
  usualAuthfiles: readonly string[];
  /** `host` or `host:port`, lower case. */
  insecureRegistries: readonly string[];
  /** How many transfers may run at the same time. */
  concurrency?: number;
  /** How long to wait for a locked store, in milliseconds; without it, without end. */
  lockTimeout?: number;
  quiet: boolean;
  verbose: boolean;
  debug: boolean;
  /** Whether escape codes are welcome on a terminal: not with `NO_COLOR` or `TERM=dumb`. */
  escapes: boolean;
  /** What was odd about the places that settings come from; to be told with `--verbose`. */
  notes: readonly string[];
  /** A PEM file of certificate authorities, by `SSL_CERT_FILE`. */
  caFile?: string;
  /** Whether requests may go through a proxy. */
  proxied: boolean;
  /** The folder of certificates for the registry, by `--cert-dir`. */
  certDir?: string;
  /** Whether certificates of registries are checked. */
  tlsVerify: boolean;
  plugins: PluginSettings;
}

/** Which plugins there may be. */
export interface PluginSettings {
  /** Those that were named, in the order in which they are asked. */
  named: readonly PluginLocation[];
  /** Absolute paths of the folders that hold more, where they exist. */
  folders: readonly string[];
}

/**
 * Puts the settings together: flags come before the environment, that before configuration files. Insecure registries
 * of all three add up.
 *
 * @throws {SatchelError} `usage` for values that make no sense, with file, line and column where a file has them
 */
export async function loadSettings(
  { flags, environment }: Pick<Invocation, "flags" | "environment">,
): Promise<Settings> {
  const home = environment.HOME || passwdHome();
  const notes: string[] = [];
  const config = await loadConfig(flags, environment, home, (note) => notes.push(note));
  const settings: Settings = {
    notes,
    store: storePath(flags, environment, config),
    usualAuthfiles: usualAuthfiles(
      ownFolder(environment),
      environment.DOCKER_CONFIG || (home && join(home, ".docker")),
    ),
    insecureRegistries: insecureRegistries(flags, environment, config),
    quiet: isSet(flags, "quiet"),
    verbose: isSet(flags, "verbose"),
    debug: isSet(flags, "debug"),
    escapes: !environment.NO_COLOR && environment.TERM !== "dumb",
    tlsVerify: isSet(flags, "tls-verify", true),
    plugins: { named: [], folders: [] },
    proxied: PROXY_VARIABLES.some((name) => environment[name] || environment[name.toLowerCase()]),
  };
  const authfile = pathOf(flags, "authfile") ?? (environment.REGISTRY_AUTH_FILE || config.authfile);
  const concurrency = concurrencyOf(flags, "concurrency") ?? config.concurrency;
  const lockTimeout = durationOf(flags, "lock-timeout") ?? config.lockTimeout;
  if (concurrency !== undefined) settings.concurrency = concurrency;
  if (lockTimeout) settings.lockTimeout = lockTimeout;
  // The default of the flag may be named like any other file, but need not exist.
  if (authfile === ROOT_AUTH_FILE) settings.usualAuthfiles = [ROOT_AUTH_FILE, ...settings.usualAuthfiles];
  else if (authfile !== undefined) settings.authfile = authfile;
  const certDir = pathOf(flags, "cert-dir");
  if (certDir !== undefined) settings.certDir = certDir;
  if (environment.SSL_CERT_FILE) settings.caFile = environment.SSL_CERT_FILE;
  return settings;
}

/** Whether a registry was named to be spoken to over plain HTTP: an entry without a port stands for all ports. */
export function isInsecure(
  settings: Pick<Settings, "insecureRegistries">,
  { registry }: Pick<Reference, "registry">,
): boolean {
  const name = registry.toLowerCase();
  const host = name.replace(/:\d+$/, "");
  return settings.insecureRegistries.some((entry) => entry === name || entry === host);
}

async function loadConfig(
  flags: FlagValues,
  environment: Environment,
  home: string | undefined,
  onNote: (note: string) => void,
): Promise<ConfigFile> {
  const named = pathOf(flags, "config") ?? (environment.SATCHEL_CONFIG || undefined);
  const folder = environment.XDG_CONFIG_HOME || (home && join(home, ".config"));
  const usual = { host: "/etc/satchel/config.yaml", ...(folder && { user: join(folder, "satchel", "config.yaml") }) };
  const found = findConfigFiles(usual, named, onNote);
  if (found.length === 0) return {};
  const { mergeConfigFiles } = await import("./config_yaml.ts");
  return mergeConfigFiles(found);
}

function pathOf(flags: FlagValues, name: string): string | undefined {
  const path = textOf(flags, name);
  if (path === "") throw new SatchelError("usage", `--${name} needs a path`);
  return path;
}

function storePath(flags: FlagValues, environment: Environment, config: ConfigFile): string {
  const asked = pathOf(flags, "store");
  const chosen = asked ?? (environment.SATCHEL_STORE || config.store);
  if (chosen !== undefined) return resolve(chosen);
  const folder = ownFolder(environment);
  if (folder !== undefined) return join(folder, "oci-store");
  throw new SatchelError("usage", "there is no home folder for the local store", {
    hint: "Name a store with --store.",
  });
}

/** The folder of this user's store and authentication file; `undefined` without a home. */
function ownFolder(environment: Environment): string | undefined {
  if (isRoot()) return ROOT_FOLDER;
  // As ig does it: the passwd file decides and HOME stands in for it.
  const home = passwdHome() ?? environment.HOME;
  return home ? join(home, ".ig") : undefined;
}

/**
 * Where accounts are looked for: in the user's own file, in root's, which is for everybody who may read it, in Docker's.
 *
 * @param own the folder of this user's store
 * @param docker the folder of Docker's configuration
 */
export function usualAuthfiles(own: string | undefined, docker: string | undefined): string[] {
  const folders = [own, ROOT_FOLDER, docker].flatMap((folder) => folder ? [join(folder, "config.json")] : []);
  return [...new Set(folders)];
}

function insecureRegistries(flags: FlagValues, environment: Environment, config: ConfigFile): string[] {
  const variable = splitList(environment.SATCHEL_INSECURE_REGISTRIES ?? "");
  return [
    ...checkRegistries(listOf(flags, "insecure-registries"), "--insecure-registries"),
    ...checkRegistries(variable, "SATCHEL_INSECURE_REGISTRIES"),
    ...(config.insecureRegistries ?? []),
  ];
}

/**
 * Checks names of registries, and makes them lower case.
 *
 * @param where where they stand, for the error text
 */
function checkRegistries(entries: readonly string[], where: string): string[] {
  return entries.map((entry) => {
    if (isRegistry(entry)) return entry.toLowerCase();
    throw new SatchelError("usage", `invalid registry ${JSON.stringify(entry)} in ${where}`, {
      hint: "Write host or host:port, without a scheme and without a path.",
    });
  });
}
