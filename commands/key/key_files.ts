import { closeSync, existsSync, fchmodSync, fsyncSync, lstatSync, openSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { SatchelError, systemCode, systemReason } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";

/** A file of a pair of keys. */
interface KeyFile {
  path: string;
  text: string;
  /** `undefined`: what the umask leaves of 0644. */
  mode?: number;
}

/** Where the two keys of a pair lie. */
export interface KeyPaths {
  privateKey: string;
  publicKey: string;
}

/** The two files of a pair, as cosign calls them. */
export function keyPaths(prefix: string): KeyPaths {
  return { privateKey: `${prefix}.key`, publicKey: `${prefix}.pub` };
}

/**
 * Looks whether keys can be written there: their folder has to be there, and they must not.
 *
 * @throws {SatchelError} `usage` if they are, also if it is a link that leads nowhere; `storage`
 */
export function checkFree({ privateKey, publicKey }: KeyPaths): void {
  for (const path of [privateKey, publicKey]) {
    let isThere: boolean;
    try {
      isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    } catch (cause) {
      throw notWritten(path, cause);
    }
    if (isThere) throw taken(path);
  }
  const folder = dirname(privateKey);
  if (existsSync(folder)) return;
  throw new SatchelError("storage", `cannot write ${printable(privateKey)}: there is no folder ${printable(folder)}`);
}

/**
 * Writes a pair of keys, the private one for its owner alone. What is there is never overwritten, and of what fails nothing stays.
 *
 * @throws {SatchelError} `usage` if there is something already; `storage`
 */
export function writeKeyPair(paths: KeyPaths, keys: { privateKey: string; publicKey: string }): void {
  const files: KeyFile[] = [
    { path: paths.privateKey, text: keys.privateKey, mode: 0o600 },
    { path: paths.publicKey, text: keys.publicKey },
  ];
  const written: string[] = [];
  try {
    for (const file of files) writeNew(file, () => written.push(file.path));
  } catch (error) {
    // Half of a pair is of no use, and would be in the way of the next attempt.
    for (const path of written) rmSync(path, { force: true });
    throw error;
  }
}

function writeNew({ path, text, mode }: KeyFile, onCreated: () => void): void {
  try {
    const fd = openSync(path, "wx", mode ?? 0o644);
    onCreated();
    try {
      // An access list of the folder may have given it other rights.
      if (mode !== undefined) fchmodSync(fd, mode);
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (systemCode(cause) === "EEXIST") throw taken(path);
    throw notWritten(path, cause);
  }
}

function taken(path: string): SatchelError {
  return new SatchelError("usage", `${printable(path)} is there already`, {
    hint: "Choose another --output-key-prefix; nothing was overwritten.",
  });
}

function notWritten(path: string, cause: unknown): SatchelError {
  return new SatchelError("storage", `cannot write ${printable(path)}: ${printable(systemReason(cause))}`, { cause });
}
