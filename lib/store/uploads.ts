import { fchmodSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ByteStream, ContentOptions } from "../content/mod.ts";
import { SatchelError, throwIfCancelled } from "../error.ts";
import { type Digest, type DigestAlgorithm, digestAlgorithm, Digester } from "../oci/mod.ts";
import { type Lock, pause, tryLock, tryLockExisting } from "../runtime/mod.ts";
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
import { sharedFolderSync } from "./shared_waits.ts";
import { blobPath, createFolder, createStore, type Layout, listFolder, storeExists } from "./layout.ts";

/** How an upload's file under `ingest/` is named; its id cannot be guessed by whoever did not start it. */
const UPLOAD_NAME = /^upload_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** A blob of up to so many bytes waits for the disk together with others. */
const SMALL = 64 * 1024;

/** A blob that arrives in several parts, perhaps over days; nobody else can go on with it until it is disposed of. */
export interface UploadSession extends Disposable {
  /** A random UUID. */
  readonly id: string;
  /** How many bytes have been taken in so far. */
  readonly size: number;

  /**
   * Adds bytes at the end. What came of a stream that breaks is kept, unless the disk is full.
   *
   * @throws {SatchelError} `storage`, `cancelled`, and whatever the stream throws
   */
  append(bytes: ByteStream, options?: ContentOptions): Promise<void>;

  /**
   * Makes it the blob of this digest; when it returns, the blob survives a power failure.
   *
   * @throws {SatchelError} `integrity` if its bytes have another digest: they are gone then; `storage`, `cancelled`
   */
  finish(digest: Digest, options?: ContentOptions): Promise<void>;

  /** Throws away what has come. */
  cancel(): void;
}

/** Options of {@link UploadSessions.start}. */
export interface StartUploadOptions extends ContentOptions {
  /** Of the digest that it will get; another one means to read all of it again at the end. Default: sha256. */
  algorithm?: DigestAlgorithm;
}

/** The uploads to a store that have begun and not ended. They outlive the process. */
export interface UploadSessions {
  /**
   * Starts an upload; the store is created if there is none.
   *
   * @throws {SatchelError} `busy` while as many as may be are open, `storage`, `invalid`, `refused`, `cancelled`
   */
  start(options?: StartUploadOptions): Promise<UploadSession>;

  /**
   * Goes on with an upload.
   *
   * @returns `undefined` if there is none of this id
   * @throws {SatchelError} `busy` while somebody goes on with it, for longer than a moment; `storage`, `cancelled`
   */
  resume(id: string, options?: ContentOptions): Promise<UploadSession | undefined>;

  /**
   * Removes uploads that nobody has gone on with for a time.
   *
   * @param idle in milliseconds
   * @returns how many there were
   * @throws {SatchelError} `storage`
   */
  sweep(idle: number): number;
}

/** What the uploads to a store have in common. */
interface Shared {
  /** By id, while the process lives. */
  known: Map<string, Progress>;
  syncFolder(path: string): Promise<void>;
}

/** What is known of an upload while the process lives: how far its bytes have been hashed. */
interface Progress {
  digester: Digester;
  algorithm: DigestAlgorithm;
  size: number;
}

/**
 * The uploads to a store.
 *
 * @param limit how many may be open at the same time
 */
export function uploadSessions(layout: Layout, limit: number): UploadSessions {
  const known = new Map<string, Progress>();
  const shared: Shared = { known, syncFolder: sharedFolderSync() };
  return {
    async start({ algorithm = "sha256", signal } = {}) {
      await createStore(layout, signal);
      if (listFolder(layout.ingest).filter((name) => UPLOAD_NAME.test(name)).length >= limit) {
        throw new SatchelError("busy", `${layout.root} has ${limit} uploads that have not ended, which is the limit`);
      }
      const id = crypto.randomUUID();
      known.set(id, { digester: new Digester(algorithm), algorithm, size: 0 });
      return openSession(layout, id, tryLock(uploadPath(layout, id)), shared);
    },
    async resume(id, { signal } = {}) {
      if (!UPLOAD_NAME.test(`upload_${id}`) || !storeExists(layout)) return undefined;
      const path = uploadPath(layout, id);
      const lock = await lockSoon(path, signal);
      // Whoever collects garbage may have been faster.
      return lock || statOf(path)?.isFile() ? openSession(layout, id, lock, shared) : undefined;
    },
    sweep(idle) {
      if (!storeExists(layout)) return 0;
      const old = listUploads(layout).filter(({ changed }) => changed < Date.now() - idle);
      const removed = old.filter(({ path }) => removeUnlessLocked(path)).length;
      const left = new Set(listUploads(layout).map(({ id }) => id));
      for (const id of known.keys()) if (!left.has(id)) known.delete(id);
      return removed;
    },
  };
}

function uploadPath({ ingest }: Layout, id: string): string {
  return join(ingest, `upload_${id}`);
}

function listUploads(layout: Layout): { id: string; path: string; changed: number }[] {
  return listFolder(layout.ingest).flatMap((name) => {
    const id = UPLOAD_NAME.exec(name)?.[1];
    const path = join(layout.ingest, name);
    const stat = id === undefined ? undefined : statOf(path);
    return stat?.isFile() ? [{ id: id!, path, changed: Math.max(stat.mtimeMs, stat.ctimeMs) }] : [];
  });
}

function removeUnlessLocked(path: string): boolean {
  using lock = tryLockIfThere(path);
  if (!lock) return false;
  onPath("remove", path, () => rmSync(path, { force: true }));
  return true;
}

function tryLockIfThere(path: string): Lock | undefined {
  try {
    return tryLockExisting(path);
  } catch (error) {
    if (statOf(path)) throw error;
    return undefined;
  }
}

/** Whoever looks for garbage holds each file for a moment, which is no reason to send a client away. */
async function lockSoon(path: string, signal: AbortSignal | undefined): Promise<Lock | undefined> {
  for (let length = 5; length < 200; length *= 2) {
    const lock = tryLockIfThere(path);
    if (lock || !statOf(path)) return lock;
    await pause(length, signal, `waiting for ${path}`);
  }
  return tryLockIfThere(path);
}

function openSession(
  layout: Layout,
  id: string,
  lock: Lock | undefined,
  shared: Shared,
): UploadSession {
  if (!lock) throw new SatchelError("busy", `Another request writes to the upload ${id}`);
  try {
    return new FileUpload(layout, id, lock, shared);
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
  readonly #shared: Shared;
  readonly #known: Map<string, Progress>;
  #size: number;

  constructor(layout: Layout, readonly id: string, lock: Lock, shared: Shared) {
    this.#layout = layout;
    this.#path = uploadPath(layout, id);
    this.#lock = lock;
    this.#file = openToWrite(this.#path, 0o600);
    this.#shared = shared;
    this.#known = shared.known;
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
    await this.#shared.syncFolder(dirname(blob));
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
