import { lstatSync, readlinkSync, statfsSync, type Stats, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { type Remedy, SatchelError, systemCode } from "../../error.ts";
import { isMissing } from "../../files/mod.ts";
import { effectiveUser } from "../../runtime/mod.ts";
import { archiveOfSums, sumsPath, volumeOf } from "../volumes/volumes.ts";

/** Where an archive is to be written to. */
export type Destination = FileDestination | StreamDestination;

/** A regular file, there or not. */
export interface FileDestination {
  kind: "file";
  /** As it was given, for messages. */
  name: string;
  /** Links at its end followed. */
  path: string;
  folder: string;
  /** What is there now, unless another user has put it into a folder for all: then it says nothing of what is wanted. */
  existing?: Stats;
}

/** A pipe, a FIFO, a terminal, a device: written straight through. */
export interface StreamDestination {
  kind: "stream";
  name: string;
  /** Open already, or a path to open. */
  to: number | string;
}

/** What a path that leads to an open file of this process begins with. */
const OPEN_FILE = /^\/(?:dev|proc\/self)\/fd\/(\d{1,9})$/;

const STANDARD: Readonly<Record<string, number>> = { "-": 1, "/dev/stdout": 1, "/dev/stderr": 2 };

const MAX_LINKS = 40;

/** A folder to which everybody may write, but where each may remove only what is their own. */
const STICKY = 0o1000;
const WRITABLE_BY_ALL = 0o002;

/**
 * Finds out what a path is.
 *
 * @param path `-` for stdout
 * @throws {SatchelError} `storage` if no archive can be written there, `refused`, `usage` if it is empty
 */
export function findDestination(path: string): Destination {
  if (path === "") throw new SatchelError("usage", "The name of the archive is empty");
  const open = STANDARD[path] ?? OPEN_FILE.exec(path)?.[1];
  if (open !== undefined) return { kind: "stream", name: path === "-" ? "stdout" : path, to: Number(open) };
  const target = followLinks(path);
  const stat = lookAt(target, path);
  if (stat?.isDirectory() || (!stat && /\/\.{0,2}$/.test(target))) {
    throw new SatchelError("storage", `Cannot write ${path}: it is a folder`, { hint: "Name a file in it." });
  }
  if (stat?.isFIFO() || stat?.isCharacterDevice()) return { kind: "stream", name: path, to: target };
  if (stat && !stat.isFile()) {
    const kind = stat.isBlockDevice() ? "a disk" : "a socket";
    throw new SatchelError("storage", `Cannot write ${path}: it is ${kind}, not a file`);
  }
  const folder = dirname(target);
  if (!isFolder(folder)) throw new SatchelError("storage", `Cannot write ${path}: there is no folder ${folder}`);
  // Who put a file there for others to write to would own what they write.
  const existing = stat && !isForeign(target, stat) ? stat : undefined;
  checkNoVolume(target, path);
  return { kind: "file", name: path, path: target, folder, ...(existing && { existing }) };
}

/**
 * Makes sure that so much fits on the disk.
 *
 * @param bytes how much is to be written
 * @throws {SatchelError} `storage`
 */
export function checkSpace({ name, folder }: FileDestination, bytes: number): void {
  let free: number;
  try {
    const { bavail, bsize, blocks } = statfsSync(folder);
    // Some network file systems do not tell.
    if (blocks === 0) return;
    free = bavail * bsize;
  } catch {
    return;
  }
  if (free >= bytes) return;
  throw new SatchelError(
    "storage",
    `Cannot write ${name}: it will have ${bytes} bytes, and ${free} are free on its disk`,
    {
      hint: "Free some space, or name another place.",
    },
  );
}

/** The errors of the system that have a meaning of their own for an archive. */
const REASONS: Readonly<Record<string, { reason: string; hint?: string; remedy?: Remedy }>> = {
  ENOSPC: { reason: "the disk is full", hint: "Free some space, or name another place." },
  EDQUOT: { reason: "the disk quota is used up", hint: "Free some space, or name another place." },
  EROFS: { reason: "the file system is read-only", hint: "Name another place." },
  EACCES: {
    reason: "permission denied",
    hint: "An archive is written beside its name and then renamed, so its folder must be writable.",
  },
  EPERM: { reason: "permission denied" },
  EFBIG: {
    reason: "files there cannot be so large",
    hint: "FAT has a limit of 4 GiB for each.",
    remedy: { kind: "small-volumes" },
  },
  ENAMETOOLONG: { reason: "its name is too long" },
  ENOLCK: {
    reason: "its file system has no locks, which keep two from writing one file",
    hint: "Name a file on another disk and copy it from there; or lead stdout into the file: `- > FILE`.",
  },
  ELOOP: {
    reason: "there is a link in the place of its temporary file",
    hint: "It lies in the same folder: `.NAME.partial`. Remove it.",
  },
  EIO: { reason: "the disk reports an error" },
  ENXIO: { reason: "nobody can take it there" },
  EBADF: { reason: "it is not open, or not to be written to" },
  EPIPE: { reason: "nobody reads it any more" },
};

/** The `storage` error for a failed write of an archive; errors that say it already are returned as they are. */
export function writeError(name: string, cause: unknown): unknown {
  const code = systemCode(cause instanceof SatchelError ? cause.cause : cause);
  const known = code === undefined ? undefined : REASONS[code];
  if (cause instanceof SatchelError && !(cause.code === "storage" && known)) return cause;
  if (code === undefined) return cause;
  const reason = known?.reason ?? code;
  return new SatchelError("storage", `Cannot write ${name}: ${reason}`, {
    hint: known?.hint,
    remedy: known?.remedy,
    cause: cause instanceof SatchelError ? cause.cause : cause,
  });
}

/**
 * Follows links at the end of a path, by the rule that Linux has for them (proc_sys_fs(5), protected_symlinks): in a folder where
 * everybody may put files, a link of somebody else leads nowhere.
 */
function followLinks(path: string): string {
  let target = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const stat = lookAt(target, path);
    if (!stat?.isSymbolicLink()) return target;
    checkLink(target, stat, path);
    target = resolve(dirname(target), readlinkSync(target));
  }
  throw new SatchelError("storage", `Cannot write ${path}: its links go in circles`);
}

/** Whether another user has put something into a folder for all. */
function isForeign(path: string, { uid }: Stats): boolean {
  const folder = statSync(dirname(path));
  const isShared = (folder.mode & STICKY) !== 0 && (folder.mode & WRITABLE_BY_ALL) !== 0;
  return isShared && uid !== effectiveUser() && uid !== folder.uid;
}

function checkLink(link: string, stat: Stats, path: string): void {
  if (!isForeign(link, stat)) return;
  throw new SatchelError("refused", `${path} is a symbolic link that another user has made`, {
    hint: "Name the file itself.",
  });
}

/** Volumes can be read together alone; another archive in the place of one of them, or of their list, breaks them all. */
function checkNoVolume(path: string, name: string): void {
  const archive = volumeOf(path)?.archive ?? archiveOfSums(path);
  if (archive === undefined || !lookAt(path, name) || !lookAt(sumsPath(archive), name)) return;
  throw new SatchelError("refused", `${name} belongs to the volumes of ${basename(archive)}, which would be broken`, {
    hint: "Use another name, or remove all of these volumes.",
  });
}

function lookAt(path: string, name: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    const code = systemCode(cause);
    if (code === "ENOTDIR") {
      throw new SatchelError("storage", `Cannot write ${name}: a part of its path is not a folder`);
    }
    throw writeError(name, cause);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw writeError(path, cause);
  }
}
