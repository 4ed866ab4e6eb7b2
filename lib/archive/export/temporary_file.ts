import { closeSync, constants, fchmodSync, fchownSync, ftruncateSync, openSync, readSync, type Stats } from "node:fs";
import { basename, join } from "node:path";
import { SatchelError, systemCode } from "../../error.ts";
import { type OpenFile, openToRead, openToWrite, removeQuietly, renameOpenFile, syncFolder } from "../../files/mod.ts";
import { effectiveUser, type Lock, tryLockExisting } from "../../runtime/mod.ts";
import { writeError } from "./destination.ts";

const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** How often a file is tried that somebody else is just renaming or removing. */
const MAX_ATTEMPTS = 10;

/** A file under a name of its own, beside the one that it will have. Disposed of, it is gone. */
export interface TemporaryFile extends Disposable {
  readonly file: OpenFile;
  /**
   * Reads again what was written; fewer bytes at its end.
   *
   * @throws what the system throws; {@link SatchelError} `refused` if somebody put something else in its place
   */
  readAgain(position: number, length: number): Uint8Array;
  /**
   * Gives it its name; what has the name now is replaced.
   *
   * @param existing what that is: its rights are kept
   * @throws what the system throws; {@link SatchelError} `refused` if somebody put something else in its place
   */
  rename(path: string, existing?: Stats): void;
  /** Takes it away, unless it has its name, though it may still be open for a while. */
  remove(): void;
}

/** Where a file is written before it has its name. */
export function temporaryPath(folder: string, path: string): string {
  return join(folder, `.${basename(path)}.partial`);
}

/**
 * Opens such a file, empty. One that a killed run has left is taken, one that a living run writes is not.
 *
 * @param name of the archive, for messages
 * @throws {SatchelError} `busy`, `refused` if another user has put a file there, `storage`
 */
export function openTemporary(path: string, name: string): TemporaryFile {
  for (let attempt = 1;; attempt++) {
    createIfAbsent(path, name);
    let lock: Lock | undefined;
    try {
      lock = tryLockExisting(path);
    } catch (error) {
      if (error instanceof SatchelError && systemCode(error.cause) === "ENOENT" && attempt < MAX_ATTEMPTS) continue;
      throw writeError(name, error);
    }
    if (!lock) {
      throw new SatchelError("busy", `Another process is writing ${name}`, {
        hint: "Wait for it, or use another name.",
      });
    }
    try {
      return openLocked(path, name, lock);
    } catch (error) {
      lock[Symbol.dispose]();
      throw writeError(name, error);
    }
  }
}

/** With the rights that the user's mask leaves to a new file, which is what `open` knows best. */
function createIfAbsent(path: string, name: string): void {
  try {
    closeSync(openSync(path, CREATE_FLAGS, 0o666));
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw writeError(name, error);
  }
}

function openLocked(path: string, name: string, lock: Lock): TemporaryFile {
  const file = openToWrite(path, 0o600);
  try {
    if (file.stat.uid !== (effectiveUser() ?? file.stat.uid)) throw foreign(path, name);
    if (file.stat.size > 0) ftruncateSync(file.fd, 0);
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
  let isThere = true;
  const remove = () => {
    // While it is still locked: what lies there is ours.
    if (isThere) removeQuietly(path);
    isThere = false;
  };
  return {
    file,
    remove,
    readAgain(position, length) {
      using reading = reopen(file, path);
      return readAt(reading.fd, position, length);
    },
    rename(to, existing) {
      if (existing) likeExisting(file, existing);
      renameOpenFile(file, path, to);
      isThere = false;
    },
    [Symbol.dispose]() {
      remove();
      file[Symbol.dispose]();
      lock[Symbol.dispose]();
    },
  };
}

function reopen({ stat }: OpenFile, path: string): OpenFile {
  const found = openToRead(path);
  if (found?.stat.ino === stat.ino && found.stat.dev === stat.dev) return found;
  found?.[Symbol.dispose]();
  throw new SatchelError("refused", `Somebody has put something else in the place of ${path}`);
}

function readAt(fd: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  for (let count = 1; count > 0 && done < length; done += count) {
    count = readSync(fd, bytes, done, length - done, position + done);
  }
  return bytes.subarray(0, done);
}

/** Who owns a file could change it under its new name. */
function foreign(path: string, name: string): SatchelError {
  const what = `${path}, which it is written to first, belongs to another user`;
  return new SatchelError("refused", `Cannot write ${name}: ${what}`, { hint: "Remove it, or use another folder." });
}

/** Root may give it to the one who had it; FAT and its like have no rights to set. */
function likeExisting({ fd, stat }: OpenFile, { uid, gid, mode }: Stats): void {
  quietly(() => {
    if (uid !== stat.uid || gid !== stat.gid) fchownSync(fd, uid, gid);
  });
  quietly(() => fchmodSync(fd, mode & 0o777));
}

function quietly(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

/** Makes new names in a folder survive a power failure, where its file system can. */
export function syncNames(folder: string, name: string): void {
  try {
    syncFolder(folder);
  } catch (error) {
    // Not every file system takes that for a folder, and a folder may be closed to readers.
    if (error instanceof SatchelError && systemCode(error.cause) === "EIO") throw writeError(name, error);
  }
}
