import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ContentOptions } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { isMissing, onPath, readChunks, readWhole, storageError } from "../files/mod.ts";
import { type Digest, Digester } from "../oci/mod.ts";
import { parseSums, sumsPath, type VolumeSum } from "./volumes.ts";

/** The longest list of checksums that is read, in bytes. */
const MAX_SUMS_SIZE = 1024 * 1024;

/** A file, hashed. */
export interface HashedFile {
  digest: Digest;
  /** In bytes. */
  size: number;
}

/** One volume, compared with the list of checksums. */
export interface CheckedVolume {
  /** Its name, without a folder. */
  name: string;
  /** `damaged` is one with other bytes than the list says, or one that cannot be read. */
  state: "ok" | "damaged" | "missing";
  /** In bytes; absent if it is missing or cannot be read. */
  size?: number;
  /** Why it cannot be read. */
  error?: SatchelError;
}

/** Volumes, compared with the list of checksums. */
export interface CheckedVolumes {
  volumes: CheckedVolume[];
  /** All of them together, if each could be read. */
  whole?: HashedFile;
}

/** Options of what reads whole files. */
export interface WholeOptions extends ContentOptions {
  /** Told how many bytes have been read, of how many. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Hashes an archive that is one regular file.
 *
 * @returns `undefined` if there is something else at the path: a folder, a FIFO, nothing
 * @throws {SatchelError} `storage`, `cancelled`
 */
export async function hashArchiveFile(path: string, options: WholeOptions = {}): Promise<HashedFile | undefined> {
  const digester = new Digester();
  const size = await readFile(path, (chunk) => digester.update(chunk), options);
  return size === undefined ? undefined : { digest: digester.digest(), size };
}

/**
 * Reads the list of checksums of volumes.
 *
 * @param archive path of the archive whose volumes they are: `x.tar`
 * @returns `undefined` if there is none
 * @throws {SatchelError} `invalid`, `storage`
 */
export function readSums(archive: string): VolumeSum[] | undefined {
  const path = sumsPath(archive);
  const bytes = readWhole(path, MAX_SUMS_SIZE);
  return bytes && parseSums(new TextDecoder().decode(bytes), path);
}

/**
 * Compares volumes with the list of checksums.
 *
 * @param archive path of the archive whose volumes they are
 * @throws {SatchelError} `cancelled`
 */
export async function checkVolumes(
  archive: string,
  sums: readonly VolumeSum[],
  options: WholeOptions = {},
): Promise<CheckedVolumes> {
  const whole = new Digester();
  const volumes: CheckedVolume[] = [];
  for (const sum of sums) volumes.push(await checkVolume(archive, sum, (chunk) => whole.update(chunk), options));
  const sizes = volumes.map(({ size }) => size ?? NaN);
  const size = sizes.reduce((sum, each) => sum + each, 0);
  return { volumes, ...(!Number.isNaN(size) && { whole: { digest: whole.digest(), size } }) };
}

async function checkVolume(
  archive: string,
  { name, digest }: VolumeSum,
  onChunk: (chunk: Uint8Array) => void,
  options: WholeOptions,
): Promise<CheckedVolume> {
  const digester = new Digester();
  try {
    const size = await readFile(join(dirname(archive), name), (chunk) => {
      digester.update(chunk);
      onChunk(chunk);
    }, options);
    if (size === undefined) return { name, state: "missing" };
    return { name, state: digester.digest() === digest ? "ok" : "damaged", size };
  } catch (error) {
    if (!(error instanceof SatchelError) || error.code !== "storage") throw error;
    return { name, state: "damaged", error };
  }
}

/** Reads a regular file; returns how many bytes it had, or `undefined` if there is none. */
async function readFile(
  path: string,
  onChunk: (chunk: Uint8Array) => void,
  { signal, onProgress }: WholeOptions,
): Promise<number | undefined> {
  const fd = openArchiveFile(path);
  if (fd === undefined) return undefined;
  try {
    const total = fstatSync(fd).size;
    let size = 0;
    for await (const chunk of readChunks(fd, path, 0, signal)) {
      onChunk(chunk);
      size += chunk.length;
      onProgress?.(size, Math.max(size, total));
    }
    return size;
  } finally {
    closeSync(fd);
  }
}

/**
 * An archive may be reached by a link: whoever reads it has named it. Only what is a file is opened: who writes into a FIFO
 * would find its reader gone.
 */
function openArchiveFile(path: string): number | undefined {
  let fd: number;
  try {
    if (!statSync(path).isFile()) return undefined;
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw storageError("read", path, cause);
  }
  if (onPath("read", path, () => fstatSync(fd).isFile())) return fd;
  closeSync(fd);
  return undefined;
}
