import { SatchelError } from "../../lib/error.ts";
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
  const adminListen = admin === undefined ? undefined : parseListenAddress(admin, "admin-listen");
  const options: ServeOptions = {
    listen,
    archives,
    isWritable,
    anonymousPull,
    mirrorOf: listOf(flags, "mirror-of"),
    logFormat: textOf(flags, "log-format") === "json" ? "json" : "text",
    hasPage: !isSet(flags, "no-ui"),
    idleSeconds: idleSeconds(flags),
    warnings: [],
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

function warningsOf({ listen, adminListen, htpasswd, tls, isWritable }: ServeOptions): string[] {
  const warnings: string[] = [];
  const isOpen = !isLoopback(listen.hostname);
  const who = isOpen ? `Everybody who reaches ${formatAddress(listen)}` : "Everybody on this host";
  if (htpasswd === undefined && isWritable) warnings.push(`${who} can push and delete without an account`);
  else if (htpasswd === undefined && isOpen) warnings.push(`${who} can read all of it without an account`);
  if (htpasswd !== undefined && isOpen && !tls) {
    warnings.push("Passwords can be read on their way, since there is no --tls-cert");
  }
  if (adminListen && !isLoopback(adminListen.hostname)) {
    warnings.push(`Everybody who reaches ${formatAddress(adminListen)} can read the metrics`);
  }
  return warnings;
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
