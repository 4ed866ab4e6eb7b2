import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ContentOptions } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import { isMissing, onPath, readChunks, storageError } from "../../files/mod.ts";
import { type Digest, Digester } from "../../oci/mod.ts";
import { readVolumeList, type VolumeList, volumesBeyond } from "./volume_list.ts";
import { sumsPath, type VolumeSum } from "./volumes.ts";

/** How many damaged volumes are named. */
const MAX_NAMED = 10;

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
  /** `damaged` is one with other bytes than the list says, or one that cannot be read; `unlisted` one that the list has not. */
  state: "ok" | "damaged" | "missing" | "unlisted";
  /** In bytes; absent if it is missing or cannot be read. */
  size?: number;
  /** Why it cannot be read. */
  error?: SatchelError;
}

/** Volumes, compared with the list of checksums. */
export interface CheckedVolumes {
  volumes: CheckedVolume[];
  /** All of them together, if each could be read, and there are no others. */
  whole?: HashedFile;
  /** What the list says of them together, if that is something else although each is what it should be. */
  listedWhole?: Digest;
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
 * Compares volumes with the list of checksums.
 *
 * @param archive path of the archive whose volumes they are
 * @throws {SatchelError} `cancelled`
 */
export async function checkVolumes(
  archive: string,
  list: VolumeList,
  options: WholeOptions = {},
): Promise<CheckedVolumes> {
  const digester = new Digester();
  const volumes: CheckedVolume[] = [];
  for (const sum of list.volumes) {
    volumes.push(await checkVolume(archive, sum, options, (chunk) => digester.update(chunk)));
  }
  const beyond = volumesBeyond(archive, list).map((name): CheckedVolume => ({ name, state: "unlisted" }));
  const sizes = volumes.map(({ size }) => size ?? NaN);
  const size = sizes.reduce((sum, each) => sum + each, 0);
  if (beyond.length > 0 || Number.isNaN(size)) return { volumes: [...volumes, ...beyond] };
  const whole = { digest: digester.digest(), size };
  const contradicts = list.whole !== undefined && list.whole !== whole.digest;
  return { volumes, whole, ...(contradicts && volumes.every(isOk) && { listedWhole: list.whole }) };
}

/**
 * Looks which volumes are not what the list of checksums says, where content of an archive is damaged: so that one is copied
 * again, and not all.
 *
 * @param archive path of the archive whose volumes they are
 * @returns an error that names them; `undefined` without such a list, or if all are as it says
 * @throws {SatchelError} `cancelled`
 */
export async function blameVolumes(archive: string, options: WholeOptions = {}): Promise<SatchelError | undefined> {
  const list = readVolumeList(archive);
  if (!list) return undefined;
  const { volumes } = await checkVolumes(archive, list, options);
  const damaged = volumes.filter((each) => !isOk(each)).map(({ name }) => name);
  if (damaged.length === 0) return undefined;
  const named = damaged.slice(0, MAX_NAMED).join(", ") + (damaged.length > MAX_NAMED ? ", and others" : "");
  return new SatchelError("integrity", `not what ${basename(sumsPath(archive))} says: ${named}`, {
    hint: "Copy them again; the rest is good.",
  });
}

function isOk({ state }: CheckedVolume): boolean {
  return state === "ok";
}

/**
 * Compares one volume with its checksum.
 *
 * @param archive path of the archive that it is of
 * @param onChunk told of its bytes
 * @throws {SatchelError} `cancelled`
 */
export async function checkVolume(
  archive: string,
  { name, digest }: VolumeSum,
  options: WholeOptions = {},
  onChunk: (chunk: Uint8Array) => void = () => {},
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
