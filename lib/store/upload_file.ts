import { fchmodSync } from "node:fs";
import { dirname } from "node:path";
import type { ByteStream, ContentOptions } from "../content/mod.ts";
import { SatchelError, throwIfCancelled } from "../error.ts";
import {
  isDiskBroken,
  isDiskFull,
  onPath,
  type OpenFile,
  openToWrite,
  readChunks,
  removeQuietly,
  renameOpenFile,
  statOf,
  storageError,
  syncAlong,
  syncFolder,
  syncShared,
  writeFrom,
} from "../files/mod.ts";
import { type Digest, type DigestAlgorithm, digestAlgorithm, Digester } from "../oci/mod.ts";
import type { Lock } from "../runtime/mod.ts";
import { blobPath, createFolder, type Layout } from "./layout.ts";
import { uploadPath } from "./upload_folder.ts";
import type { UploadSession } from "./uploads.ts";

/** A blob of up to so many bytes waits for the disk together with others. */
const SMALL = 64 * 1024;

/** What the uploads to a store have in common while the process lives. */
export interface UploadMemory {
  /** By id. */
  known: Map<string, Progress>;
  syncFolder(path: string): Promise<void>;
}

/** How far the bytes of an upload have been hashed. */
export interface Progress {
  digester: Digester;
  algorithm: DigestAlgorithm;
  size: number;
}

/**
 * Opens the file of an upload.
 *
 * @param lock its lock, `undefined` if somebody else holds it; it is freed with the session
 * @throws {SatchelError} `busy`, `storage`, `refused`
 */
export function openUpload(layout: Layout, id: string, lock: Lock | undefined, memory: UploadMemory): UploadSession {
  if (!lock) throw new SatchelError("busy", `Another request writes to the upload ${id}`);
  try {
    return new FileUpload(layout, id, lock, memory);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** An upload, with its file open and locked. */
class FileUpload implements UploadSession {
  readonly #layout: Layout;
  readonly #path: string;
  readonly #lock: Lock;
  readonly #file: OpenFile;
  readonly #memory: UploadMemory;
  readonly #known: Map<string, Progress>;
  #size: number;

  constructor(layout: Layout, readonly id: string, lock: Lock, memory: UploadMemory) {
    this.#layout = layout;
    this.#path = uploadPath(layout, id);
    this.#lock = lock;
    this.#file = openToWrite(this.#path, 0o600);
    this.#memory = memory;
    this.#known = memory.known;
    this.#size = this.#file.stat.size;
  }

  get size(): number {
    return this.#size;
  }

  async append(bytes: ByteStream, { signal }: ContentOptions = {}): Promise<void> {
    const progress = await this.#hashed(this.#known.get(this.id)?.algorithm ?? "sha256", signal);
    const disk = syncAlong(this.#file.fd);
    try {
      for await (const chunk of bytes) {
        throwIfCancelled(signal);
        await this.#write(chunk, progress);
        disk.wrote(chunk.length);
      }
    } catch (error) {
      await disk.settle();
      throw this.#refused(disk.failure ? storageError("write", this.#path, disk.failure) : error);
    }
    await disk.settle();
    if (disk.failure) throw this.#refused(storageError("write", this.#path, disk.failure));
  }

  async #write(chunk: Uint8Array, progress: Progress): Promise<void> {
    const written = writeFrom(this.#file.fd, chunk, this.#size);
    progress.digester.update(chunk);
    try {
      await written;
    } catch (cause) {
      // A part of it may be there.
      this.#known.delete(this.id);
      throw storageError("write", this.#path, cause);
    }
    this.#size = progress.size += chunk.length;
  }

  async finish(digest: Digest, { signal }: ContentOptions = {}): Promise<void> {
    const { digester } = await this.#hashed(digestAlgorithm(digest), signal);
    // A hash can be ended once; whatever goes wrong from here on, the next try reads all again.
    this.#known.delete(this.id);
    const found = digester.digest();
    if (found !== digest) {
      this.cancel();
      throw new SatchelError("integrity", `${digest} was announced, but the digest of what came is ${found}`);
    }
    try {
      await this.#store(digest);
    } catch (error) {
      throw this.#refused(error);
    }
  }

  /**
   * Throws away what filled the disk, which stands in the way of everybody on this host, and what a disk could not write, which
   * nobody may go on from.
   */
  #refused(error: unknown): unknown {
    if (isDiskFull(error) || isDiskBroken(error)) this.cancel();
    return error;
  }

  async #store(digest: Digest): Promise<void> {
    const onDisk = this.#size <= SMALL ? syncShared(this.#file) : syncAlong(this.#file.fd).finish();
    await onDisk.catch((cause) => {
      throw storageError("write", this.#path, cause);
    });
    const blob = blobPath(this.#layout, digest);
    if (!statOf(dirname(blob))) {
      createFolder(dirname(blob));
      syncFolder(this.#layout.blobs);
    }
    onPath("write", blob, () => {
      fchmodSync(this.#file.fd, 0o444);
      renameOpenFile(this.#file, this.#path, blob);
    });
    await this.#memory.syncFolder(dirname(blob));
  }

  cancel(): void {
    this.#known.delete(this.id);
    removeQuietly(this.#path);
  }

  /** Everything that is there, hashed: by going on with what this process has hashed, or by reading it. */
  async #hashed(algorithm: DigestAlgorithm, signal: AbortSignal | undefined): Promise<Progress> {
    const last = this.#known.get(this.id);
    if (last?.size === this.#size && last.algorithm === algorithm) return last;
    const progress: Progress = { digester: new Digester(algorithm), algorithm, size: this.#size };
    for await (const chunk of readChunks(this.#file.fd, this.#path, 0, signal)) progress.digester.update(chunk);
    this.#known.set(this.id, progress);
    return progress;
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
    this.#lock[Symbol.dispose]();
  }
}
