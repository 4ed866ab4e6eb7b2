import { fchmodSync, ftruncateSync } from "node:fs";
import { join } from "node:path";
import { type Content, type PushOptions, Verifier } from "../content/mod.ts";
import { hasCode, SatchelError, systemCode, throwIfCancelled } from "../error.ts";
import { type Descriptor, digestHex } from "../oci/mod.ts";
import { type Lock, tryLock } from "../runtime/mod.ts";
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
  syncShared,
  writeFrom,
} from "../files/mod.ts";
import { blobPath, createFolder, type Layout } from "./layout.ts";

/** Content up to so many bytes waits for the disk together with other content. */
const SMALL = 64 * 1024;

/** A file that content is written to until it is complete. */
interface Partial extends Disposable {
  readonly path: string;
  readonly file: OpenFile;
  /** Found again by a later run; not so if another process was writing the same content. */
  readonly isKept: boolean;
}

/**
 * Writes content under `ingest/`, hashed on its way, and moves it to `blobs/` if digest and size hold. A part that an
 * earlier run left is used again. The caller syncs the folder of the blob before it names what it holds.
 *
 * @throws {SatchelError} `integrity`, `storage`, `cancelled`, and whatever the content throws
 */
export async function ingest(
  layout: Layout,
  descriptor: Descriptor,
  content: Content,
  options: PushOptions,
): Promise<void> {
  const blob = blobPath(layout, descriptor.digest);
  createFolder(join(blob, ".."));
  using partial = openPartial(layout, descriptor);
  try {
    await receive(partial, descriptor, content, options);
    onPath("write", blob, () => {
      fchmodSync(partial.file.fd, 0o444);
      renameOpenFile(partial.file, partial.path, blob);
    });
  } catch (error) {
    if (!isWorthKeeping(partial, error, options.signal)) removeQuietly(partial.path);
    throw hasCode(error, "storage") && isDiskFull(error) ? diskFull(layout, descriptor, error) : error;
  }
}

/**
 * Opens `<hex>.partial`, or a file of another name if somebody else is just writing that one. The lock tells the living
 * from the left-over: whoever collects garbage leaves alone what is locked.
 */
function openPartial(layout: Layout, descriptor: Descriptor): Partial {
  const hex = digestHex(descriptor.digest);
  const shared = join(layout.ingest, `${hex}.partial`);
  const own = join(layout.ingest, `${hex}_${crypto.randomUUID()}`);
  const sharedLock = lockPartial(shared);
  const path = sharedLock ? shared : own;
  const lock = sharedLock ?? lockPartial(own);
  try {
    const file = openToWrite(path, 0o600);
    const close = () => {
      file[Symbol.dispose]();
      lock?.[Symbol.dispose]();
    };
    return { path, file, isKept: sharedLock !== undefined, [Symbol.dispose]: close };
  } catch (error) {
    lock?.[Symbol.dispose]();
    throw error;
  }
}

function lockPartial(path: string): Lock | undefined {
  try {
    return tryLock(path);
  } catch (error) {
    if (hasCode(error, "storage") && systemCode(error.cause)) throw storageError("write", path, error.cause);
    throw error;
  }
}

/** Takes the rest of what is already there; if that leads to wrong bytes, all of it, from the start. */
async function receive(
  partial: Partial,
  descriptor: Descriptor,
  content: Content,
  options: PushOptions,
): Promise<void> {
  const { fd, stat } = partial.file;
  const kept = !content.once && stat.size <= descriptor.size ? stat.size : 0;
  if (kept > 0) {
    try {
      return await receiveFrom(kept, partial, descriptor, content, options);
    } catch (error) {
      if (!hasCode(error, "integrity")) throw error;
    }
  }
  if (stat.size > 0) onPath("write", partial.path, () => ftruncateSync(fd, 0));
  await receiveFrom(0, partial, descriptor, content, options);
}

async function receiveFrom(
  kept: number,
  { path, file }: Partial,
  descriptor: Descriptor,
  content: Content,
  { signal, onResumed }: PushOptions,
): Promise<void> {
  const { fd } = file;
  const verifier = new Verifier(descriptor);
  if (kept > 0) {
    for await (const chunk of readChunks(fd, path, 0, signal)) verifier.update(chunk);
    onResumed?.(kept);
  }
  const disk = syncAlong(fd);
  try {
    if (kept < descriptor.size || descriptor.size === 0) {
      for await (const chunk of content.open(kept)) {
        throwIfCancelled(signal);
        verifier.admit(chunk);
        const written = writeFrom(fd, chunk, verifier.size);
        verifier.update(chunk);
        await written.catch((cause) => {
          throw storageError("write", path, cause);
        });
        disk.wrote(chunk.length);
      }
    }
    verifier.finish();
  } catch (error) {
    await disk.settle();
    throw disk.failure ? storageError("write", path, disk.failure) : error;
  }
  await (descriptor.size <= SMALL ? syncShared(file) : disk.finish()).catch((cause) => {
    throw storageError("write", path, cause);
  });
}

/**
 * A broken transfer goes on later from what is there. What has wrong bytes is of no use, nor is what a disk could not write, and
 * what filled the disk stands in the way of everybody on this host, so these go; so do the transfers that ran beside and were
 * stopped for it.
 */
function isWorthKeeping(partial: Partial, error: unknown, signal: AbortSignal | undefined): boolean {
  if (!partial.isKept || hasCode(error, "integrity")) return false;
  if (isDiskFull(error) || isDiskFull(signal?.reason) || isDiskBroken(error)) return false;
  return hasContent(partial);
}

function hasContent({ path }: Partial): boolean {
  return (statOf(path)?.size ?? 0) > 0;
}

function diskFull(layout: Layout, descriptor: Descriptor, cause: unknown): SatchelError {
  return new SatchelError(
    "storage",
    `Cannot store ${descriptor.digest} (${descriptor.size} bytes) in ${layout.root}: the disk is full`,
    { remedy: { kind: "clean-store" }, cause },
  );
}
