import { Buffer } from "node:buffer";
import type { ByteStream, ContentOptions, FetchOptions } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { type Descriptor, type Digest, type DigestAlgorithm, digestAlgorithm, Digester } from "../oci/mod.ts";
import { CHUNK, onPath, type OpenFile, openToRead, readChunks, readUpTo, sameMemory, statOf } from "../files/mod.ts";
import { blobPath, type Layout } from "./layout.ts";

/** How a blob was found: whole, not there, or with other bytes than its name says. */
export type BlobState = "ok" | "missing" | "damaged";

/** A blob's bytes, and whether they are what the descriptor says; without bytes if not. */
export interface ReadBlob {
  state: BlobState;
  bytes?: Uint8Array;
}

/**
 * Reads a small blob and checks it.
 *
 * @throws {SatchelError} `storage` if the file cannot be read or is no regular file
 */
export function readBlob(layout: Layout, descriptor: Descriptor): ReadBlob {
  const path = blobPath(layout, descriptor.digest);
  const seen = stateAtSight(path, descriptor.size);
  if (seen) return { state: seen };
  using file = openToRead(path);
  if (!file) return { state: "missing" };
  if (file.stat.size !== descriptor.size) return { state: "damaged" };
  const bytes = onPath("read", path, () => readUpTo(file.fd, descriptor.size));
  const digester = new Digester(digestAlgorithm(descriptor.digest));
  digester.update(bytes);
  return digester.digest() === descriptor.digest ? { state: "ok", bytes } : { state: "damaged" };
}

/** What can be told of a blob without opening it. */
function stateAtSight(path: string, size: number): Exclude<BlobState, "ok"> | undefined {
  const stat = statOf(path);
  if (!stat) return "missing";
  return stat.isFile() && stat.size === size ? undefined : "damaged";
}

/** Whether a link, a folder or a FIFO stands where a blob should: nothing that is read, and no reason to stop. */
export function isNoFile(path: string): boolean {
  return statOf(path)?.isFile() === false;
}

/** Whether a blob lies there with the right size; the cheap question, its bytes may still be others. */
export function hasSize(layout: Layout, descriptor: Descriptor): boolean {
  const stat = statOf(blobPath(layout, descriptor.digest));
  return stat !== undefined && stat.isFile() && stat.size === descriptor.size;
}

/** A blob as a file. */
export interface StoredFile {
  path: string;
  /** In bytes. */
  size: number;
}

/** The file of a blob, if there is one. */
export function storedFile(layout: Layout, digest: Digest): StoredFile | undefined {
  const path = blobPath(layout, digest);
  const stat = statOf(path);
  return stat?.isFile() ? { path, size: stat.size } : undefined;
}

/**
 * Reads all of a blob and tells how it is.
 *
 * @throws {SatchelError} `storage`, `cancelled`
 */
export async function blobState(layout: Layout, descriptor: Descriptor, options: ContentOptions): Promise<BlobState> {
  const path = blobPath(layout, descriptor.digest);
  const seen = stateAtSight(path, descriptor.size);
  if (seen) return seen;
  using file = openToRead(path);
  if (!file) return "missing";
  if (file.stat.size !== descriptor.size) return "damaged";
  const digest = await hashOpenFile(file, path, digestAlgorithm(descriptor.digest), options);
  return digest === descriptor.digest ? "ok" : "damaged";
}

/** Options of {@link hashOpenFile}. */
export interface HashOptions extends ContentOptions {
  /** Given every chunk that was read, before the next one is. */
  onChunk?: (chunk: Uint8Array) => void;
}

/**
 * Hashes an open file from its start, in constant memory.
 *
 * @throws {SatchelError} `storage`, `cancelled`
 */
export async function hashOpenFile(
  { fd, stat }: OpenFile,
  path: string,
  algorithm: DigestAlgorithm,
  options: HashOptions,
): Promise<Digest> {
  const digester = new Digester(algorithm);
  // One byte more than it has, so that a small file is read by two calls and a byte that was added is seen.
  const memory = sameMemory(Math.min(stat.size + 1, CHUNK));
  for await (const chunk of readChunks(fd, path, 0, options.signal, memory)) {
    digester.update(chunk);
    options.onChunk?.(chunk);
  }
  return digester.digest();
}

/**
 * Reads a blob from `offset` to its end, unchecked: whoever takes the bytes hashes them.
 *
 * @param memory gives what chunks of a blob lie in, by the size of the largest. Default: each has its own, since a sender may
 *   still hold the last one while it asks for the next one
 * @throws {SatchelError} `not-found` while iterating, `storage`, `cancelled`
 */
export async function* streamBlob(
  layout: Layout,
  descriptor: Descriptor,
  options: FetchOptions,
  memory: (length: number) => () => Uint8Array = ownMemory,
): ByteStream {
  const path = blobPath(layout, descriptor.digest);
  using file = openToRead(path);
  if (!file) {
    throw new SatchelError("not-found", `${descriptor.digest} is missing in ${layout.root}`, {
      hint: "Pull the image again: that brings back what is missing.",
    });
  }
  const offset = options.offset ?? 0;
  // One byte more than there is, so that a byte that was added is seen.
  const left = Math.max(file.stat.size - offset, 0) + 1;
  yield* readChunks(file.fd, path, offset, options.signal, memory(left));
}

/** Memory for each chunk, not more than what is left, since most blobs are small. */
function ownMemory(size: number): () => Uint8Array {
  let left = size;
  return () => {
    const length = Math.max(Math.min(left, CHUNK), 1);
    left -= length;
    return Buffer.allocUnsafeSlow(length);
  };
}
