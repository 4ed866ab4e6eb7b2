import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from "node:fs";
import { type Remedy, SatchelError, systemCode } from "../error.ts";

/** A link or a FIFO put in the place of a file must neither lead elsewhere nor make an open hang. */
const SAFE_FLAGS = constants.O_NOFOLLOW | constants.O_NONBLOCK;
const WRITE_FLAGS = constants.O_RDWR | constants.O_CREAT | SAFE_FLAGS;

/** Whether a system call failed because there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  return systemCode(error) === "ENOENT";
}

/** Whether a full disk, or a used-up quota, is behind an error: it may be the cause of its cause. */
export function isDiskFull(error: unknown): boolean {
  return isBehind(error, FULL_DISK);
}

/**
 * Whether a disk that could not write is behind an error. The system tells that once, and reads from memory afterwards what is
 * not on the disk: the file is of no use any more.
 */
export function isDiskBroken(error: unknown): boolean {
  return isBehind(error, BROKEN_DISK);
}

function isBehind(error: unknown, codes: readonly string[]): boolean {
  for (let depth = 0, each = error; depth < 10 && each; depth++) {
    if (codes.includes(systemCode(each) ?? "")) return true;
    each = each instanceof Error ? each.cause : undefined;
  }
  return false;
}

const FULL_DISK: readonly string[] = ["ENOSPC", "EDQUOT"];
const BROKEN_DISK: readonly string[] = ["EIO"];

/** What a code means, and what helps; the remedy is for files of the store. */
interface Reason {
  reason: string;
  hint?: string;
  remedy?: Remedy;
}

const DENIED: Reason = {
  reason: "permission denied",
  hint: "Run as its owner, or name another place.",
  remedy: { kind: "other-store" },
};

/** What the system's codes mean, and what helps. */
const REASONS: Record<string, Reason> = {
  ENOSPC: { reason: "the disk is full", hint: "Free some space." },
  EDQUOT: { reason: "the disk quota is used up", hint: "Free some space." },
  EROFS: {
    reason: "the file system is read-only",
    hint: "Make it writable, or name another place.",
    remedy: { kind: "other-store" },
  },
  EACCES: DENIED,
  EPERM: DENIED,
  EFBIG: {
    reason: "files there cannot be so large",
    hint: "FAT has a limit of 4 GiB for each, and `ulimit -f` may have set another.",
    remedy: { kind: "other-store" },
  },
  ELOOP: { reason: "it is a symbolic link" },
  ENOTDIR: { reason: "a part of the path is not a folder" },
  EISDIR: { reason: "it is a folder" },
  ENXIO: { reason: "it is not a regular file" },
  ENOENT: { reason: "it does not exist" },
  EIO: { reason: "the disk reports an error" },
};

/** The `storage` error for a failed system call: `Cannot write /store/blobs/...: the disk is full`. */
export function storageError(doing: string, path: string, cause: unknown): SatchelError {
  if (cause instanceof SatchelError) return cause;
  const known = REASONS[systemCode(cause) ?? ""];
  const reason = known?.reason ?? (cause instanceof Error ? cause.message : String(cause));
  return new SatchelError("storage", `Cannot ${doing} ${path}: ${reason}`, {
    hint: known?.hint,
    remedy: known?.remedy,
    cause,
  });
}

/** Runs a few system calls on a path, and says what was being done if one of them fails. */
export function onPath<T>(doing: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw storageError(doing, path, cause);
  }
}

/** A file that is open, closed by `using`. */
export interface OpenFile extends Disposable {
  readonly fd: number;
  readonly stat: Stats;
}

/**
 * Opens a regular file to read it.
 *
 * @returns `undefined` if there is none
 * @throws {SatchelError} `storage` if it cannot be opened, or is a link, a folder, a FIFO, a device
 */
export function openToRead(path: string): OpenFile | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | SAFE_FLAGS);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw storageError("read", path, cause);
  }
  return checkedFile(fd, "read", path);
}

/**
 * Opens a regular file to write it, and creates it if it is not there.
 *
 * @throws {SatchelError} `storage`; `refused` if it is a hard link: the file of another name would be written to
 */
export function openToWrite(path: string, mode: number): OpenFile {
  const fd = onPath("write", path, () => openSync(path, WRITE_FLAGS, mode));
  const file = checkedFile(fd, "write", path);
  if (file.stat.nlink <= 1) return file;
  file[Symbol.dispose]();
  throw new SatchelError("refused", `${path} has another name elsewhere, so it is not written to`, {
    hint: "Remove it.",
  });
}

/**
 * Creates a file to write it.
 *
 * @throws {SatchelError} `storage`, also if there is something already
 */
function createToWrite(path: string, mode: number): OpenFile {
  const fd = onPath("write", path, () => openSync(path, WRITE_FLAGS | constants.O_EXCL, mode));
  return checkedFile(fd, "write", path);
}

function checkedFile(fd: number, doing: string, path: string): OpenFile {
  const stat = fstatSync(fd);
  if (stat.isFile()) return { fd, stat, [Symbol.dispose]: () => closeSync(fd) };
  closeSync(fd);
  throw new SatchelError("storage", `Cannot ${doing} ${path}: it is not a regular file`);
}

/**
 * Reads a regular file whole.
 *
 * @param limit in bytes; a longer file is refused before any of it is read
 * @returns `undefined` if there is none
 * @throws {SatchelError} `storage`, or `invalid` if it is too long
 */
export function readWhole(path: string, limit: number): Uint8Array | undefined {
  using file = openToRead(path);
  if (!file) return undefined;
  const { size } = file.stat;
  if (size > limit) {
    throw new SatchelError("invalid", `${path} is too large: ${size} bytes, the limit is ${limit}`);
  }
  return onPath("read", path, () => readUpTo(file.fd, size));
}

/** Reads up to `size` bytes from the start of a file; fewer if it ends before. */
export function readUpTo(fd: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const count = readSync(fd, bytes, length, size - length, length);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

/** Writes all of `bytes` at a position; one call of the system may take only a part. */
export function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/**
 * Replaces a file, or creates it: whoever opens it finds the old one or the new one, whole. After {@link syncFolder} the
 * new one survives a power failure. To be called under a lock: one that is half-written, left by a process that died, is
 * thrown away.
 *
 * @param prepare gives the new file what the old one had, before it takes its place; by its number, since its name may be
 *   somebody else's by then
 * @throws {SatchelError} `storage`
 */
export function replaceFile(path: string, text: string, prepare?: (fd: number) => void): void {
  const temporary = `${path}.tmp`;
  try {
    onPath("write", path, () => {
      rmSync(temporary, { force: true });
      using file = createToWrite(temporary, 0o644);
      writeAll(file.fd, new TextEncoder().encode(text), 0);
      prepare?.(file.fd);
      fsyncSync(file.fd);
      renameOpenFile(file, temporary, path);
    });
  } catch (error) {
    removeQuietly(temporary);
    throw error;
  }
}

/**
 * Renames a file that is open, if it still is what lies at its path: nobody gets something else into its new place.
 *
 * @throws {SatchelError} `refused` if something else lies there; what the system throws
 */
export function renameOpenFile({ fd }: OpenFile, from: string, to: string): void {
  const open = fstatSync(fd);
  const there = lstatSync(from, { throwIfNoEntry: false });
  if (!there || there.ino !== open.ino || there.dev !== open.dev) {
    throw new SatchelError("refused", `${from} was replaced by somebody else while it was written`);
  }
  renameSync(from, to);
}

/** Removes what another error has made useless; that error is the one to be told. */
export function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A read-only file system, say; the error before this one tells the same.
  }
}

/** What stands at a path, without following a link; `undefined` if nothing does. */
export function statOf(path: string): Stats | undefined {
  return onPath("look at", path, () => lstatSync(path, { throwIfNoEntry: false }));
}

/** Changes whenever a file is written, replaced, or given other rights. */
export function stampOf(stat: Stats): string {
  return `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
}

/** Makes renames and removals in a folder survive a power failure. */
export function syncFolder(path: string): void {
  onPath("write", path, () => {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  });
}
