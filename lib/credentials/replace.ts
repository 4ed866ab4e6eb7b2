import { Buffer } from "node:buffer";
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** How old a temporary file has to be, in milliseconds, before it is taken for that of a program that died. */
const LEFTOVER_AGE = 60_000;

/**
 * Replaces a file: whoever opens it finds the old one or the new one, whole, also after a power failure. The new one has mode 0600. The
 * caller has the lock; for others, who have none, it is looked at once more in the last moment.
 *
 * @param read what the file was when it was read; `undefined` if there was none
 * @returns false, and nothing is changed, if it is not that any more
 */
export function replaceFile(target: string, text: string, read: Stats | undefined): boolean {
  removeLeftovers(target);
  const folder = dirname(target);
  const temporary = `${temporaryPrefix(target)}${crypto.randomUUID().replaceAll("-", "")}.tmp`;
  // Not removed where it could not be made: then it is somebody else's.
  const fd = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  let isReplaced = false;
  try {
    try {
      const bytes = Buffer.from(text);
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, done);
      fchmodSync(fd, 0o600);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (!isSame(lstatSync(target, { throwIfNoEntry: false }), read)) return false;
    renameSync(temporary, target);
    isReplaced = true;
  } finally {
    if (!isReplaced) removeQuietly(temporary);
  }
  syncFolder(folder);
  return true;
}

function isSame(now: Stats | undefined, then: Stats | undefined): boolean {
  if (!now || !then) return now === then;
  return now.ino === then.ino && now.dev === then.dev && now.size === then.size && now.mtimeMs === then.mtimeMs;
}

function temporaryPrefix(target: string): string {
  return `${target}.satchel-`;
}

/** Removes the temporary files of programs that died. What else is in the folder is somebody else's. */
function removeLeftovers(target: string): void {
  const folder = dirname(target);
  const prefix = basename(temporaryPrefix(target));
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]{32}\.tmp$/.test(name.slice(prefix.length))) continue;
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() && Date.now() - stat.mtimeMs > LEFTOVER_AGE) removeQuietly(path);
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A file too many is no reason to fail, and the error before this one is the one to be told.
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
