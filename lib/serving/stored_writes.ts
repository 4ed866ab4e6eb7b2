import { setInterval } from "node:timers";
import { hasCode } from "../error.ts";
import { isDiskFull } from "../files/mod.ts";
import {
  ApiError,
  type ApiErrorCode,
  type ApiErrorOptions,
  MissingContentError,
  type RepositoryName,
  type Upload,
  type WritableRepositories,
} from "../server/mod.ts";
import type { Digest } from "../oci/mod.ts";
import type { Store, UploadLimits, UploadSession } from "../store/mod.ts";
import type { CheckedFiles } from "./checked_files.ts";

/** How many uploads may have begun and not ended, if nothing else is said: a client has a handful at the same time. */
const MAX_UPLOADS: UploadLimits = { all: 1000, ofOne: 250 };

/** How long an upload may rest, if nothing else is said, in milliseconds. */
const IDLE = 60 * 60 * 1000;

/** How often is looked for uploads that have rested too long, in milliseconds. */
const SWEEP_EVERY = 5 * 60 * 1000;

/** What clients are told that shall try again. */
const AGAIN = { "Retry-After": "1" };

/** What clients are told while there are too many uploads: those that are empty make room after a second, others after a minute. */
const AGAIN_LATER = { "Retry-After": "5" };

/** How writing is bounded. */
export interface WriteOptions {
  /** Knows which blobs are damaged: no manifest is taken in that needs one. */
  files: CheckedFiles;
  /** How many uploads may have begun and not ended. Default: 1000, and of one client 250. */
  maxUploads?: UploadLimits;
  /** How long an upload may rest before it is removed, in milliseconds. Default: an hour. */
  uploadIdle?: number;
  /** Ends the looking for uploads that have rested too long. */
  signal: AbortSignal;
  /** Told of what went wrong while nobody waited for an answer. */
  onError: (error: unknown) => void;
}

/** A store, to be written to. Uploads that have rested for long are removed, at the start and every few minutes. */
export function storedWrites(store: Store, options: WriteOptions): WritableRepositories {
  const { files, uploadIdle = IDLE, maxUploads = MAX_UPLOADS, signal, onError } = options;
  const uploads = store.uploads(maxUploads);
  const sweep = () => {
    try {
      uploads.sweep(uploadIdle);
    } catch (error) {
      onError(error);
    }
  };
  sweep();
  const timer = setInterval(sweep, Math.max(Math.min(SWEEP_EVERY, uploadIdle), 1000));
  // A server that cannot listen ends.
  timer.unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  const oneByOne = queue();
  const isDamaged = (digest: Digest) => {
    const file = store.fileOf(digest);
    return file !== undefined && files.isDamaged(digest, { ...file, offset: 0 });
  };
  return {
    putManifest: (name, manifest, contentOptions) =>
      forClients(async () => {
        const missing = await store.putManifest(name, manifest, { ...contentOptions, isDamaged });
        if (missing.length > 0) throw new MissingContentError(missing);
      }),
    removeTag: (name, tag, contentOptions) =>
      forClients(() => oneByOne(() => unlessMissing(() => store.remove({ ...name, tag }, contentOptions)))),
    removeManifest: (name, digest, contentOptions) =>
      forClients(() => oneByOne(() => store.removeManifest(name, digest, contentOptions))),
    removeBlob: (_: RepositoryName, digest, contentOptions) =>
      forClients(() => oneByOne(() => store.removeBlob(digest, contentOptions))),
    startUpload: (startOptions) =>
      forClients(async () => {
        const session = await uploads.start(startOptions).catch(
          unlessBusy("TOOMANYREQUESTS", "too many uploads are open", { headers: AGAIN_LATER }),
        );
        return uploadForClients(session);
      }),
    resumeUpload: (id, resumeOptions) =>
      forClients(async () => {
        const session = await uploads.resume(id, resumeOptions).catch(
          unlessBusy("BLOB_UPLOAD_INVALID", "another request writes to it", { status: 503, headers: AGAIN }),
        );
        return session && uploadForClients(session);
      }),
  };
}

function unlessBusy(code: ApiErrorCode, message: string, options: ApiErrorOptions): (error: unknown) => never {
  return (error) => {
    throw hasCode(error, "busy") ? new ApiError(code, message, { ...options, cause: error }) : error;
  };
}

async function unlessMissing(remove: () => Promise<unknown>): Promise<boolean> {
  try {
    await remove();
    return true;
  } catch (error) {
    if (hasCode(error, "not-found")) return false;
    throw error;
  }
}

/** One after the other: all of them want the lock of the index, and whoever has to wait for that polls. */
function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}

function uploadForClients(session: UploadSession): Upload {
  return {
    id: session.id,
    get size() {
      return session.size;
    },
    append: (bytes, contentOptions) => forClients(() => session.append(bytes, contentOptions)),
    finish: (digest, contentOptions) => forClients(() => session.finish(digest, contentOptions)),
    cancel: () => session.cancel(),
    [Symbol.dispose]: () => session[Symbol.dispose](),
  };
}

/** What clients can make something of: that the disk is full, and that trying again will help. */
async function forClients<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isDiskFull(error)) {
      throw new ApiError("UNKNOWN", "the disk of this registry is full", { status: 507, cause: error });
    }
    if (hasCode(error, "content-lost")) {
      throw new ApiError("UNKNOWN", "what it needs was removed meanwhile", {
        status: 503,
        headers: AGAIN,
        cause: error,
      });
    }
    throw error;
  }
}
