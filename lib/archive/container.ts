import { closeSync, constants, fstatSync, openSync, type Stats, statSync } from "node:fs";
import type { ContentOptions } from "../content/mod.ts";
import { SatchelError, throwIfCancelled } from "../error.ts";
import { CHUNK, isMissing } from "../files/mod.ts";
import { ChunkReader } from "./bytes/chunk_reader.ts";
import { compressionOf, inflate } from "./bytes/compression.ts";
import { readError, readSpecial, readStdin, reopenStdin } from "./bytes/special_file.ts";
import type { Compression, Container, OpenOptions } from "./files.ts";
import { openFolder } from "./folder.ts";
import { InflationLimit } from "./bytes/inflation_limit.ts";
import { looksLike } from "./bytes/looks_like.ts";
import { fileAccess, type RandomAccess } from "./bytes/random_access.ts";
import { openTar } from "./tar/files.ts";
import { BLOCK, hasChecksum, isZero } from "./tar/header.ts";
import { TarStream } from "./tar/stream.ts";
import { isCutOff } from "./tar/parse.ts";
import { lastMissing, openVolumes } from "./volumes/volume_set.ts";

const STDIN = "-";

/** What a container is told to be. */
interface Form {
  /** For messages. */
  name: string;
  compression?: Compression;
  volumes?: readonly string[];
}

/**
 * Opens an archive, and finds out by its content what it is.
 *
 * @param path of a file, which a link may lead to, of a folder, or of the first volume or the archive that volumes are of; `-` is
 *   stdin
 * @throws {SatchelError} `usage` if there is nothing or stdin is a terminal, `invalid`, `integrity`, `storage`, `cancelled`
 */
export async function openContainer(path: string, options: OpenOptions): Promise<Container> {
  const { signal } = options;
  throwIfCancelled(signal);
  if (path === STDIN) return await openStdin(options);
  const set = openVolumes(path);
  if (set) return await fromAccess(set.access, { name: set.name, volumes: set.volumes }, options);
  const stat = statOf(path);
  if (!stat) throw new SatchelError("usage", `there is no ${path}`);
  if (stat.isDirectory()) return openFolder(path);
  if (stat.isFile()) return await fromAccess(openRegular(path), { name: path }, options);
  return await fromChunks(told(await readSpecial(path, signal), options), { name: path }, options);
}

/**
 * A file that a shell has made stdin can be read in any order, if it is to be read from its beginning; but whoever wants all of its
 * bytes gets them once.
 */
async function openStdin(options: OpenOptions): Promise<Container> {
  const form = { name: "stdin" };
  const fd = options.onBytes ? undefined : reopenStdin();
  if (fd !== undefined) return await fromAccess(fileAccess(fd, fstatSync(fd).size, form.name), form, options);
  return await fromChunks(told(readStdin(options.signal), options), form, options);
}

async function* told(chunks: AsyncIterable<Uint8Array>, { onBytes }: OpenOptions): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onBytes?.(chunk);
    yield chunk;
  }
  onBytes?.(undefined);
}

async function fromAccess(access: RandomAccess, form: Form, options: OpenOptions): Promise<Container> {
  const { name, volumes } = form;
  const isTar = guarded(access, () => {
    const start = new Uint8Array(BLOCK);
    const length = access.read(start, 0);
    return compressionOf(start.subarray(0, length)) ? false : checkTar(start.subarray(0, length), name);
  });
  if (!isTar) return await fromChunks(accessChunks(access, options), form, options);
  try {
    return { ...await openTar(access, name, options), ...(volumes && { volumes }) };
  } catch (error) {
    throw volumes && isCutOff(error) ? lastMissing(error, volumes) : error;
  }
}

/** Closes what was opened, if it is of no use. */
function guarded<T>(access: RandomAccess, work: () => T): T {
  try {
    return work();
  } catch (error) {
    access[Symbol.dispose]();
    throw error;
  }
}

async function fromChunks(chunks: AsyncIterable<Uint8Array>, form: Form, options: OpenOptions): Promise<Container> {
  const outer = await peek(chunks);
  const compression = compressionOf(outer.start);
  const limit = compression && new InflationLimit();
  let tar = outer;
  try {
    if (compression && limit) {
      tar = await peek(inflate(outer.whole, compression, form.name, limit));
      checkTar(tar.start, `What is inflated of ${form.name}`);
    } else checkTar(tar.start, form.name);
  } catch (error) {
    await tar.stop();
    throw error;
  }
  const stream = new TarStream(form.name, tar.whole, options, limit);
  return Object.assign(stream, compression && { compression }, form.volumes && { volumes: form.volumes });
}

/** The first bytes, and all of them with those. What gives them is ended with them, even if none were taken. */
async function peek(chunks: AsyncIterable<Uint8Array>) {
  const reader = new ChunkReader(chunks);
  const start = await reader.read(BLOCK);
  let first: Uint8Array | undefined = start;
  const whole: AsyncIterableIterator<Uint8Array, undefined> = {
    async next() {
      const value = first ?? await reader.some(Infinity);
      first = undefined;
      return value.length > 0 ? { value, done: false } : { value: undefined, done: true };
    },
    async return() {
      await reader.stop();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]: () => whole,
  };
  return { start, stop: () => reader.stop(), whole };
}

/** @throws {SatchelError} `invalid` if this is not how a tar begins */
function checkTar(start: Uint8Array, what: string): true {
  if (start.length === BLOCK && (hasChecksum(start) || isZero(start))) return true;
  throw new SatchelError("invalid", `${what} is not an archive: ${looksLike(start)}`, {
    hint: "Archives are tars, compressed with gzip or zstd or not at all, and folders.",
  });
}

async function* accessChunks(access: RandomAccess, { signal }: ContentOptions): AsyncGenerator<Uint8Array> {
  try {
    for (let position = 0; position < access.size;) {
      throwIfCancelled(signal);
      const chunk = new Uint8Array(Math.min(CHUNK, access.size - position));
      const length = access.read(chunk, position);
      if (length === 0) return;
      yield chunk.subarray(0, length);
      position += length;
    }
  } finally {
    access[Symbol.dispose]();
  }
}

/** Links are followed: whoever reads an archive has named it. */
function openRegular(path: string): RandomAccess {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (cause) {
    throw readError(path, cause);
  }
  const stat = fstatSync(fd);
  if (stat.isFile()) return { ...fileAccess(fd, stat.size, path), locate: (start) => ({ path, offset: start }) };
  closeSync(fd);
  throw new SatchelError("storage", `Cannot read ${path}: it was replaced by something else`);
}

/** Follows links. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw readError(path, cause);
  }
}
