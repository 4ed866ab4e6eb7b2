import { closeSync, constants, openSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { SatchelError, systemCode } from "../../error.ts";
import { onPath } from "../../files/mod.ts";
import { compressionOf } from "../bytes/compression.ts";
import { type RandomAccess, readAt } from "../bytes/random_access.ts";
import { BLOCK, hasChecksum } from "../tar/header.ts";
import { numbersBeside, readVolumeList, volumesBeyond } from "./volume_list.ts";
import { sumsPath, volumeOf, volumePath } from "./volumes.ts";

/** How many missing volumes are named. */
const MAX_NAMED = 5;

/** How many volumes are open at the same time. */
const MAX_OPEN = 16;

/** Volumes, as one archive. */
export interface VolumeSet {
  /** Path of the archive that they are of; nothing need be there. */
  name: string;
  /** Their paths, in order. */
  volumes: readonly string[];
  access: RandomAccess;
}

/**
 * Finds the volumes that a path stands for: that of one of them, or of the archive that they are of, where only volumes are.
 *
 * @returns `undefined` if it stands for something else
 * @throws {SatchelError} `integrity` if some are missing or of sizes that cannot be, `storage`
 */
export function openVolumes(path: string): VolumeSet | undefined {
  const name = archiveOf(path);
  if (name === undefined) return undefined;
  const list = readVolumeList(name);
  const [beyond] = list ? volumesBeyond(name, list) : [];
  if (beyond !== undefined) throw notListed(name, beyond);
  const found = numbersBeside(name);
  const last = list ? list.volumes.length : found.reduce((most, number) => Math.max(most, number), 0);
  checkComplete(name, new Set(found), last);
  const parts = Array.from({ length: last }, (_, at) => partAt(volumePath(name, at + 1)));
  checkSizes(parts);
  return { name, volumes: parts.map((part) => part.path), access: volumeAccess(parts) };
}

function notListed(archive: string, volume: string): SatchelError {
  return new SatchelError("invalid", `${sumsPath(archive)} does not list ${volume}, which lies beside it`, {
    hint: "It may be of another export: move away what is not of this one.",
  });
}

/** The archive whose volumes are to be read. */
function archiveOf(path: string): string | undefined {
  const volume = volumeOf(path);
  const isThere = exists(path);
  if (!volume) return !isThere && (readVolumeList(path) || hasVolumes(path)) ? path : undefined;
  if (volumePath(volume.archive, volume.number) !== join(path)) return undefined;
  const { archive, number } = volume;
  if (readVolumeList(archive)?.volumes.some(({ name }) => name === basename(path))) return archive;
  if (!isThere) return undefined;
  if (number === 1) return numbersBeside(archive).length > 1 ? archive : undefined;
  // A name like `backup.2024` may be that of a whole archive.
  return exists(volumePath(archive, 1)) || !isWhole(path) ? archive : undefined;
}

/** Whether volumes lie beside what is not there itself; the first one may be what is missing. */
function hasVolumes(archive: string): boolean {
  if (exists(volumePath(archive, 1))) return true;
  const [number] = numbersBeside(archive);
  return number !== undefined && !isWhole(volumePath(archive, number));
}

/** The error for volumes that end in the middle of the archive, without a list that would say how many there should be. */
export function lastMissing(cause: SatchelError, volumes: readonly string[]): SatchelError {
  const [last] = volumes.slice(-1);
  const { archive, number } = volumeOf(last)!;
  const next = basename(volumePath(archive, number + 1));
  return new SatchelError("integrity", `${archive} ends with ${basename(last)}; ${next} is missing`, {
    hint: "All volumes have to lie in one folder.",
    cause,
  });
}

/** What cannot be looked at is told of when it is opened. */
function exists(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    if (systemCode(error) !== undefined) return false;
    throw error;
  }
}

/** Whether it begins as an archive does, and not in the middle of one. */
function isWhole(path: string): boolean {
  const start = new Uint8Array(BLOCK);
  const fd = openPart(path);
  try {
    const length = onPath("read", path, () => readAt(fd, start, 0));
    return length < BLOCK || hasChecksum(start) || compressionOf(start) !== undefined;
  } finally {
    closeSync(fd);
  }
}

function checkComplete(archive: string, found: ReadonlySet<number>, last: number): void {
  const missing: string[] = [];
  for (let number = 1; number <= last && missing.length < MAX_NAMED; number++) {
    if (!found.has(number)) missing.push(basename(volumePath(archive, number)));
  }
  if (missing.length === 0) return;
  const more = last - found.size - missing.length;
  const named = `${missing.join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
  throw new SatchelError("integrity", `Of the ${last} volumes of ${archive}, there is no ${named}`, {
    hint: "All of them have to lie in one folder.",
  });
}

/** One volume, and where it begins in the whole, in bytes. */
interface Part {
  path: string;
  size: number;
}

function partAt(path: string): Part {
  const stat = onPath("read", path, () => statSync(path));
  if (stat.isFile()) return { path, size: stat.size };
  throw new SatchelError("storage", `Cannot read ${path}: it is not a regular file`);
}

/** All are of one size, but the last one may be smaller. */
function checkSizes(parts: readonly Part[]): void {
  const [{ size, path }] = parts;
  for (const [at, part] of parts.entries()) {
    if (part.size === size || (at === parts.length - 1 && part.size < size && part.size > 0)) continue;
    const first = `${basename(path)} has ${size}`;
    const wrong = parts.length === 2 || at > 1 || part.size < size ? part : parts[0];
    throw new SatchelError(
      "integrity",
      `${wrong.path} has not the size that it should have: ${basename(part.path)} has ${part.size} bytes, ${first}`,
      { hint: "It was not copied whole; copy it again. `archive verify` compares volumes with their checksums." },
    );
  }
}

/** Volumes as the one file that they are slices of; few are open at a time. */
function volumeAccess(parts: readonly Part[]): RandomAccess {
  const [{ size: slice }] = parts;
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  const open = new Map<number, number>();
  let isOpen = true;
  const descriptorOf = (at: number): number => {
    const known = open.get(at);
    if (known !== undefined) return known;
    const [oldest] = open;
    if (oldest && open.size >= MAX_OPEN) {
      open.delete(oldest[0]);
      closeSync(oldest[1]);
    }
    const fd = openPart(parts[at].path);
    open.set(at, fd);
    return fd;
  };
  return {
    size: total,
    read(into, position) {
      if (!isOpen) throw new Error(`${parts[0].path} is closed already`);
      let length = 0;
      while (length < into.length && position + length < total) {
        const at = Math.floor((position + length) / slice);
        const offset = position + length - at * slice;
        const wanted = into.subarray(length, length + Math.min(into.length - length, parts[at].size - offset));
        const count = onPath("read", parts[at].path, () => readAt(descriptorOf(at), wanted, offset));
        length += count;
        if (count < wanted.length) break;
      }
      return length;
    },
    place(start, end) {
      const nameAt = (position: number) => parts[Math.min(Math.floor(position / slice), parts.length - 1)].path;
      const [first, last] = [nameAt(start), nameAt(Math.max(end - 1, start))];
      return first === last ? first : `${first} to ${basename(last)}`;
    },
    locate(start, end) {
      const at = Math.min(Math.floor(start / slice), parts.length - 1);
      const offset = start - at * slice;
      return end - at * slice <= parts[at].size ? { path: parts[at].path, offset } : undefined;
    },
    [Symbol.dispose]() {
      isOpen = false;
      for (const fd of open.values()) closeSync(fd);
      open.clear();
    },
  };
}

/** Links are followed, as for any archive. */
function openPart(path: string): number {
  return onPath("read", path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY));
}
