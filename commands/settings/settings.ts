import { join, resolve } from "node:path";
import { type CertificatePlace, SYSTEM_PLACES } from "../../lib/certificates/places.ts";
import type { AuthFiles, NamedFile } from "../../lib/credentials/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import type { Reference } from "../../lib/oci/reference.ts";
import type { MirrorRule } from "../../lib/registry/mod.ts";
import { isRoot } from "../../lib/runtime/process.ts";
import type { Policy } from "../../lib/signing/policy.ts";
import { passwdHome } from "../../lib/trust/mod.ts";
import { ROOT_FOLDER, usualAuthFiles } from "./auth_files.ts";
import { findConfigFiles, type LoadedConfig, type PassedOver } from "./config_file.ts";
import { type Effective, effectiveValues } from "./effective.ts";
import { type FlagValues, isSet, pathOf } from "../line/flags.ts";
import type { Environment, Invocation } from "../line/invocation.ts";
import { type PluginSettings, pluginSettings } from "./plugin_settings.ts";

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/** Those that are for requests by TLS. */
const TLS_PROXY_VARIABLES = ["HTTPS_PROXY", "ALL_PROXY"];

/** Everything that a command may be told from outside, by flags, environment and configuration files. */
export interface Settings {
  /** Path of the local store. */
  store: string;
  /** The authentication files that count. */
  authFiles: AuthFiles;
  /** `host` or `host:port`, lower case. */
  insecureRegistries: readonly string[];
  /** Where else to pull from. */
  mirrors: readonly MirrorRule[];
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
  /** What was odd about them that everybody should know. */
  warnings: readonly string[];
  /** A PEM file of certificate authorities, by `SSL_CERT_FILE`. */
  caFile?: string;
  /** Whether requests may go through a proxy. */
  proxied: boolean;
  /** Whether requests by TLS may go through a proxy that is itself spoken to by TLS. */
  proxiedByTls: boolean;
  /** The folder of certificates for the registry, by `--cert-dir`. */
  certDir?: string;
  /** Where folders of certificates are looked for, by the names of hosts. */
  certPlaces: readonly CertificatePlace[];
  /** Whether certificates of registries are checked. */
  tlsVerify: boolean;
  plugins: PluginSettings;
  /** What images need to come in, by each configuration file that says something of it. */
  policies: readonly Policy[];
  /** Folder for what has to be written to disk for a while. */
  spoolFolder: string;
}

/**
 * Puts the settings together: flags come before the environment, that before configuration files. Insecure registries
 * of all three add up.
 *
 * @throws {SatchelError} `usage` for values that make no sense, with file, line and column where a file has them
 */
export async function loadSettings(invocation: Pick<Invocation, "flags" | "environment">): Promise<Settings> {
  const { settings } = await loadEffective(invocation);
  return settings;
}

/**
 * As {@link loadSettings}, with the places that the values of the configuration's keys come from.
 *
 * @throws {SatchelError} as {@link loadSettings}
 */
export async function loadEffective(
  { flags, environment }: Pick<Invocation, "flags" | "environment">,
): Promise<{ settings: Settings; effective: Effective }> {
  const home = environment.HOME || passwdHome();
  const notes: string[] = [];
  const warnings: string[] = [];
  const passedOver = { note: (text: string) => notes.push(text), warn: (text: string) => warnings.push(text) };
  const config = await loadConfig(flags, environment, home, passedOver);
  const effective = effectiveValues(flags, environment, config);
  const settings: Settings = {
    notes,
    warnings,
    store: storePath(effective.store.value, environment),
    authFiles: usualAuthFiles(namedFile(effective.authfile), environment, ownFolder(environment), home),
    insecureRegistries: effective.insecureRegistries.value,
    mirrors: effective.mirrors.value,
    quiet: isSet(flags, "quiet"),
    verbose: isSet(flags, "verbose"),
    debug: isSet(flags, "debug"),
    escapes: !environment.NO_COLOR && environment.TERM !== "dumb",
    certPlaces: certificatePlaces(home),
    tlsVerify: isSet(flags, "tls-verify", true),
    // Archives are larger than what fits into a /tmp in memory.
    spoolFolder: environment.TMPDIR || "/var/tmp",
    policies: config.policies,
    plugins: pluginSettings(flags, environment, config.values.plugins ?? [], configFolder(environment, home)),
    proxied: PROXY_VARIABLES.some((name) => environment[name] || environment[name.toLowerCase()]),
    proxiedByTls: TLS_PROXY_VARIABLES.flatMap((name) => [environment[name], environment[name.toLowerCase()]])
      .some((proxy) => proxy?.trim().toLowerCase().startsWith("https:")),
  };
  const concurrency = effective.concurrency.value;
  const lockTimeout = effective.lockTimeout.value;
  if (concurrency !== undefined) settings.concurrency = concurrency;
  if (lockTimeout) settings.lockTimeout = lockTimeout;
  const certDir = pathOf(flags, "cert-dir");
  if (certDir !== undefined) settings.certDir = certDir;
  if (environment.SSL_CERT_FILE) settings.caFile = environment.SSL_CERT_FILE;
  return { settings, effective };
}

function certificatePlaces(home: string | undefined): CertificatePlace[] {
  const own: CertificatePlace[] = home ? [{ path: join(home, ".config/containers/certs.d"), of: "user" }] : [];
  return [...own, ...SYSTEM_PLACES];
}

function namedFile({ value, from }: Effective["authfile"]): NamedFile | undefined {
  return value === undefined ? undefined : { path: value, by: from };
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
  passedOver: PassedOver,
): Promise<LoadedConfig> {
  const named = pathOf(flags, "config") ?? (environment.SATCHEL_CONFIG || undefined);
  const folder = configFolder(environment, home);
  const usual = { host: "/etc/satchel/config.yaml", ...(folder && { user: join(folder, "satchel", "config.yaml") }) };
  const found = findConfigFiles(usual, named, passedOver);
  if (found.length === 0) return { values: {}, places: {}, policies: [] };
  const { mergeConfigFiles } = await import("./config_yaml.ts");
  return mergeConfigFiles(found, home);
}

/** The folder of the user's configuration; `undefined` without a home. */
function configFolder(environment: Environment, home: string | undefined): string | undefined {
  return environment.XDG_CONFIG_HOME || (home && join(home, ".config")) || undefined;
}

/** @param chosen where somebody named one */
function storePath(chosen: string | undefined, environment: Environment): string {
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
