import { SatchelError } from "../../lib/error.ts";
import { canonicalRegistry, isRegistry, parseReference } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { durationOf, type FlagValues, isSet, listOf, pathOf, textOf } from "../line/flags.ts";
import { parseSize } from "../line/size.ts";
import { formatAddress, isLoopback, type ListenAddress, parseListenAddress } from "./address.ts";

/** Where a server listens unless it is told otherwise. */
const USUAL_ADDRESS = "127.0.0.1:5000";

/** How long a connection may be silent unless it is told otherwise, and at most, in milliseconds. */
const USUAL_SILENCE = 120_000;
const LONGEST_SILENCE = 255_000;

/** How requests are logged. */
export type LogFormat = "text" | "json";

/** What the command line asks of a server. */
export interface ServeOptions {
  listen: ListenAddress;
  adminListen?: ListenAddress;
  /** Paths of archives to serve instead of the store. */
  archives: readonly string[];
  isWritable: boolean;
  /** Registries that it stands in for. */
  mirrorOf: readonly string[];
  /** PEM files. */
  tls?: { certificate: string; key: string };
  /** The file of accounts; without one, nobody is asked for an account. */
  htpasswd?: string;
  /** Names by which it may be asked beside those of loopback; without them, by any. */
  hosts?: readonly string[];
  /** Whether reading takes no account. */
  anonymousPull: boolean;
  /** The largest blob that is taken in, in bytes. */
  maxUpload?: number;
  logFormat: LogFormat;
  hasPage: boolean;
  /** How long a connection may be silent, in whole seconds. */
  idleSeconds: number;
  /** What is allowed, but should be known. */
  warnings: readonly string[];
}

/**
 * Reads what the command line asks of a server, and holds it to the rules of who may read and write.
 *
 * @throws {SatchelError} `usage`
 */
export function readServeOptions(flags: FlagValues): ServeOptions {
  const listen = parseListenAddress(textOf(flags, "listen") ?? USUAL_ADDRESS, "listen");
  const admin = textOf(flags, "admin-listen");
  const tls = tlsFiles(flags);
  const htpasswd = pathOf(flags, "htpasswd");
  const maxUpload = textOf(flags, "max-upload");
  const archives = listOf(flags, "archive");
  const isWritable = isSet(flags, "writable");
  const anonymousPull = isSet(flags, "anonymous-pull");
  const allowsAnybody = isSet(flags, "allow-anonymous-push");
  if (archives.includes("")) throw new SatchelError("usage", "--archive needs a path");
  if (isWritable && archives.length > 0) {
    throw new SatchelError("usage", "an archive cannot be written to: --archive and --writable exclude each other");
  }
  if (anonymousPull && htpasswd === undefined) {
    throw new SatchelError("usage", "--anonymous-pull is an exception from --htpasswd, which is not given");
  }
  if (allowsAnybody && htpasswd !== undefined) {
    throw new SatchelError("usage", "--allow-anonymous-push and --htpasswd exclude each other");
  }
  if (htpasswd === undefined && !allowsAnybody) requireNoAccounts(listen, isWritable);
  if (maxUpload !== undefined && !isWritable) {
    throw new SatchelError("usage", "--max-upload is about what is pushed, and without --writable nothing can be");
  }
  const adminListen = admin === undefined ? undefined : parseListenAddress(admin, "admin-listen");
  if (adminListen && adminListen.port !== 0 && formatAddress(adminListen) === formatAddress(listen)) {
    throw new SatchelError("usage", "--listen and --admin-listen need two addresses: this is one for both");
  }
  const options: ServeOptions = {
    listen,
    archives,
    isWritable,
    anonymousPull,
    mirrorOf: listOf(flags, "mirror-of").map(readRegistry),
    logFormat: textOf(flags, "log-format") === "json" ? "json" : "text",
    hasPage: !isSet(flags, "no-ui"),
    idleSeconds: idleSeconds(flags),
    warnings: [],
    // Pages of the web have no account to send.
    ...(isLoopback(listen.hostname) && (htpasswd === undefined || anonymousPull) && { hosts: hostNames(flags) }),
    ...(adminListen && { adminListen }),
    ...(tls && { tls }),
    ...(htpasswd !== undefined && { htpasswd }),
    ...(maxUpload !== undefined && { maxUpload: parseSize(maxUpload, "max-upload") }),
  };
  return { ...options, warnings: warningsOf(options) };
}

/** Without accounts a server is for this host and to be read, unless somebody has said in so many words that it is for all. */
function requireNoAccounts(listen: ListenAddress, isWritable: boolean): void {
  const hint = "Give it accounts with --htpasswd, or let everybody in with --allow-anonymous-push.";
  if (isWritable) {
    throw new SatchelError("usage", "--writable without accounts lets everybody push and delete", { hint });
  }
  if (isLoopback(listen.hostname)) return;
  throw new SatchelError("usage", `other hosts can reach ${formatAddress(listen)}, and there are no accounts`, {
    hint,
  });
}

/** A registry as names of images have it; its case says nothing. */
function readRegistry(text: string): string {
  const registry = canonicalRegistry(text.toLowerCase());
  // `foo` is no registry: `foo/bar` is a repository of ghcr.io.
  if (isRegistry(registry) && parseReference(`${registry}/some/name`).registry === registry) return registry;
  throw new SatchelError("usage", `invalid argument ${printable(JSON.stringify(text), 100)} for "--mirror-of" flag`, {
    hint: "A registry is written as in names of images: ghcr.io, docker.io, registry.example:5000.",
  });
}

function warningsOf({ listen, adminListen, htpasswd, anonymousPull, tls, isWritable }: ServeOptions): string[] {
  const warnings: string[] = [];
  const isOpen = !isLoopback(listen.hostname);
  const who = isOpen ? `Everybody who reaches ${formatAddress(listen)}` : "Everybody on this host";
  if (htpasswd === undefined && isWritable) warnings.push(`${who} can push and delete without an account`);
  else if (htpasswd === undefined && isOpen) warnings.push(`${who} can read all of it without an account`);
  const isOfNoUse = anonymousPull && !isWritable;
  if (isOfNoUse) warnings.push(`${who} can read all of it, and nothing can be pushed: the accounts are of no use`);
  if (htpasswd !== undefined && !isOfNoUse && isOpen && !tls) {
    warnings.push("Passwords can be read on their way, since there is no --tls-cert");
  }
  if (adminListen && !isLoopback(adminListen.hostname)) {
    warnings.push(`Everybody who reaches ${formatAddress(adminListen)} can read the metrics`);
  }
  return warnings;
}

/** In the one form that URLs have them in, without a dot at the end. */
function hostNames(flags: FlagValues): string[] {
  return listOf(flags, "allow-host").map((name) => {
    const url = /^(?:[\w.-]+|\[[\da-f:.]+\])$/i.test(name) ? URL.parse(`http://${name}`) : null;
    if (url) return url.hostname.replace(/\.$/, "");
    const shown = printable(JSON.stringify(name), 100);
    const why = "it is a name or an address without a port, that of IPv6 in brackets";
    throw new SatchelError("usage", `invalid argument ${shown} for "--allow-host" flag: ${why}`);
  });
}

function tlsFiles(flags: FlagValues): ServeOptions["tls"] {
  const certificate = pathOf(flags, "tls-cert");
  const key = pathOf(flags, "tls-key");
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  if (certificate === undefined && key === undefined) return undefined;
  throw new SatchelError("usage", "--tls-cert and --tls-key belong together: only one of them is given");
}

function idleSeconds(flags: FlagValues): number {
  const silence = durationOf(flags, "idle-timeout") ?? USUAL_SILENCE;
  if (silence >= 1000 && silence <= LONGEST_SILENCE) return Math.ceil(silence / 1000);
  throw new SatchelError("usage", `invalid argument for "--idle-timeout" flag: it is from 1s to 255s`);
}
