/**
 * What went wrong, as a value that callers can switch on. `commands/output/exit.ts` maps codes to exit statuses.
 *
 * - `usage`: the command line or the configuration cannot be understood
 * - `invalid`: data from outside (a manifest, a reference, an index) breaks its format
 * - `not-found`: a name or a digest does not exist where it was looked for
 * - `denied`: credentials are missing, wrong or not sufficient
 * - `integrity`: bytes are not what their digest or size says
 * - `refused`: a rule of safety forbids to go on (an insecure realm, a foreign redirect)
 * - `network`: no connection, or one that broke and did not come back
 * - `registry`: the registry answered with an error of its own
 * - `no-account`: no credentials are kept for a registry
 * - `plugin`: a plugin failed, or answered what the contract does not allow
 * - `program`: a program could not be started, took too long, or wrote too much
 * - `storage`: the file system failed (full, read-only, no permission)
 * - `busy`: a lock was not free in time
 * - `content-lost`: content that was there vanished before it was named; trying again helps
 * - `cancelled`: the caller's signal was aborted
 */
export type ErrorCode =
  | "usage"
  | "invalid"
  | "not-found"
  | "denied"
  | "integrity"
  | "refused"
  | "network"
  | "registry"
  | "no-account"
  | "plugin"
  | "program"
  | "storage"
  | "busy"
  | "content-lost"
  | "cancelled";

/** Why a host did not do what it was asked for, where it takes the user to change that. */
export type ObstacleReason =
  | "plain-http" // TLS was spoken, plain HTTP answered
  | "tls-expected" // plain HTTP was spoken, TLS answered
  | "unknown-authority"
  | "wrong-host-name"
  | "expired-certificate"
  | "client-certificate-missing"
  | "client-certificate-refused"
  | "proxy-by-tls" // TLS options that are for the host would reach a proxy
  | "account-missing"
  | "account-refused";

/** What a host is to whoever asks it. */
export type HostRole =
  | "registry" // the one that the image's name has
  | "mirror" // one that stands in for it
  | "other"; // a token service, or where a redirect leads to

/**
 * What stands between a user and a host. What to do about it depends on the program (its flags, its files), so whoever
 * reports the error has the words for it, and there is no hint.
 */
export interface Obstacle {
  reason: ObstacleReason;
  role: HostRole;
  /** `host[:port]`, as the user would write it. */
  host: string;
  /** Whether it was spoken to over plain HTTP, as somebody wanted it. Default: not known. */
  byPlainHttp?: boolean;
}

/**
 * What would help, where the words for it are the program's: its commands and flags. As with an {@link Obstacle}, whoever
 * reports the error has them.
 */
export type Remedy =
  | { kind: "other-store" } // another place for the store
  | { kind: "new-inventory"; isDamaged: boolean } // to say anew what the store has, where some of it is damaged
  | { kind: "clean-store" } // to remove from the store what no image needs
  | { kind: "small-volumes" } // to write several smaller files
  | { kind: "larger-volumes"; bytes: number } // volumes of at least so many bytes
  | { kind: "repository" } // to say of what repository an image is that has a tag alone
  | { kind: "name"; digest: string } // to name an image that has no name
  | { kind: "rename"; from: string } // to give an image another name, by this one or by its digest
  | { kind: "local-build" } // to build with the programs of this host
  | { kind: "builder-image" } // another image to build in
  | { kind: "builder-image-at-hand" } // to build in the image that is here, which may be old
  | { kind: "rename-each"; from: string }; // the same for several, beginning with this one

/** Details that belong to a {@link SatchelError}. */
export interface SatchelErrorOptions {
  /** What the user may try, one sentence. */
  hint?: string;
  /** What else may help; its words come behind the hint. */
  remedy?: Remedy;
  /** What the user would have to change. */
  obstacle?: Obstacle;
  /** The error that led to this one. */
  cause?: unknown;
}

/** The one error type of satchel: a code for programs, a message and a hint for people. */
export class SatchelError extends Error {
  override readonly name = "SatchelError";
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly remedy?: Remedy;
  readonly obstacle?: Obstacle;

  constructor(code: ErrorCode, message: string, options: SatchelErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.remedy = options.remedy;
    this.obstacle = options.obstacle;
  }
}

/** Whether `error` is a {@link SatchelError} with this code. */
export function hasCode(error: unknown, code: ErrorCode): error is SatchelError {
  return error instanceof SatchelError && error.code === code;
}

/**
 * Puts what was being done in front of a {@link SatchelError}'s message, with its code, hint, remedy and obstacle. Anything else is
 * returned as it is: nobody threw it on purpose, so it shall be seen for the mistake that it is.
 */
export function withContext(context: string, error: unknown): unknown {
  if (!(error instanceof SatchelError)) return error;
  const { code, message, hint, remedy, obstacle } = error;
  return new SatchelError(code, `${context}: ${message}`, { hint, remedy, obstacle, cause: error });
}

/** The system's name of what went wrong (`ENOENT`), if `error` came from a system call. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  if (error instanceof SatchelError) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Whether a system call's error of this name is behind an error: it may be the cause of its cause. */
export function isCausedBy(error: unknown, code: string): boolean {
  for (let depth = 0, each = error; depth < 10 && each instanceof Error; depth++, each = each.cause) {
    if (systemCode(each) === code) return true;
  }
  return false;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  ENOTDIR: "a part of its path is not a folder",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ELOOP: "its links go in circles",
  ENAMETOOLONG: "its name is too long",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EBUSY: "something is mounted on it, so it cannot be replaced",
};

/** Why an operation on a file failed, in words where the system has a common name for it. */
export function systemReason(error: unknown): string {
  if (error instanceof SatchelError) return error.message;
  const code = systemCode(error);
  return code === undefined ? String(error) : REASONS[code] ?? code;
}

/**
 * The error for an operation whose signal was aborted.
 *
 * @param doing what was interrupted: `waiting for /store/index.json.lock`
 */
export function cancelled(signal: AbortSignal | undefined, doing?: string): SatchelError {
  const message = doing === undefined ? "Interrupted" : `Interrupted while ${doing}`;
  return new SatchelError("cancelled", message, { cause: signal?.reason });
}

/**
 * Throws a `cancelled` error if the signal was aborted.
 *
 * @throws {SatchelError} `cancelled`
 */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled(signal);
}
