import type { ByteStream, ContentOptions } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { type Digest, type DigestAlgorithm, Digester } from "../oci/mod.ts";
import { tryLock } from "../runtime/mod.ts";
import { createStore, type Layout, storeExists } from "./layout.ts";
import { sharedFolderSync } from "./shared_waits.ts";
import { openUpload, type UploadMemory } from "./upload_file.ts";
import {
  isUploadId,
  listUploads,
  lockUpload,
  removeUnlessLocked,
  type UploadFile,
  uploadIds,
  uploadPath,
} from "./upload_folder.ts";

/** After which time an upload gives way, if nothing else is said, in milliseconds: one that is empty, and any other. */
const EMPTY_REST = 1000;
const REST = 60_000;

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
  /** Who starts it, for {@link UploadLimits.ofOne}. Default: nobody in particular. */
  owner?: string;
}

/** How many uploads may be open at the same time. */
export interface UploadLimits {
  all: number;
  /** Of one owner. Those that were started before this process are nobody's. */
  ofOne: number;
  /** After which time one that is empty gives way where there is no room, in milliseconds. Default: a second. */
  emptyRest?: number;
  /** The same for any other. Default: a minute. */
  rest?: number;
}

/** The uploads to a store that have begun and not ended. They outlive the process. */
export interface UploadSessions {
  /**
   * Starts an upload; the store is created if there is none.
   *
   * @throws {SatchelError} `busy` while as many as may be are open and none of them rests, `storage`, `invalid`, `refused`, `cancelled`
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

/** The uploads to a store. */
export function uploadSessions(layout: Layout, limits: UploadLimits): UploadSessions {
  const memory: UploadMemory = { known: new Map(), syncFolder: sharedFolderSync() };
  const owners = new Map<string, string>();
  return {
    async start({ algorithm = "sha256", owner = "", signal } = {}) {
      await createStore(layout, signal);
      makeRoom(layout, owners, owner, limits);
      const id = crypto.randomUUID();
      memory.known.set(id, { digester: new Digester(algorithm), algorithm, size: 0 });
      owners.set(id, owner);
      return openUpload(layout, id, tryLock(uploadPath(layout, id)), memory);
    },
    async resume(id, { signal } = {}) {
      if (!isUploadId(id) || !storeExists(layout)) return undefined;
      const lock = await lockUpload(uploadPath(layout, id), signal);
      return lock === "missing" ? undefined : openUpload(layout, id, lock, memory);
    },
    sweep(idle) {
      if (!storeExists(layout)) return 0;
      const old = listUploads(layout).filter(({ changed }) => changed < Date.now() - idle);
      const removed = old.filter(({ path }) => removeUnlessLocked(path)).length;
      const left = new Set(uploadIds(layout));
      for (const map of [memory.known, owners]) for (const id of map.keys()) if (!left.has(id)) map.delete(id);
      return removed;
    },
  };
}

/**
 * Lets who has begun much and ended nothing give way: of an owner's own uploads if those are too many, else of all, the one that rests
 * longest is removed, if it rests. An owner who has more than any other and than who comes would have is left no longer rest than empty
 * ones are.
 *
 * @throws {SatchelError} `busy`
 */
function makeRoom(
  layout: Layout,
  owners: ReadonlyMap<string, string>,
  owner: string,
  { all, ofOne, emptyRest = EMPTY_REST, rest = REST }: UploadLimits,
): void {
  const ids = uploadIds(layout);
  const own = ids.filter((id) => (owners.get(id) ?? "") === owner);
  if (own.length < ofOne && ids.length < all) return;
  const candidates = new Set(own.length < ofOne ? ids : own);
  const most = own.length < ofOne ? ownerOfMost(ids, owners, own.length + 1) : undefined;
  const now = Date.now();
  const restOf = ({ id, size }: UploadFile) => size === 0 || (owners.get(id) ?? "") === most ? emptyRest : rest;
  const resting = listUploads(layout)
    .filter((upload) => candidates.has(upload.id) && upload.changed <= now - restOf(upload))
    .sort((a, b) => Number(a.size > 0) - Number(b.size > 0) || a.changed - b.changed);
  if (resting.some(({ path }) => removeUnlessLocked(path))) return;
  const which = own.length < ofOne ? "" : " of one client";
  throw new SatchelError(
    "busy",
    `${layout.root} has ${candidates.size} uploads${which} that have not ended: no more may be`,
  );
}

/** Whose uploads are most of all, and more than `than`. */
function ownerOfMost(ids: readonly string[], owners: ReadonlyMap<string, string>, than: number): string | undefined {
  const counts = new Map<string, number>();
  for (const owner of ids.map((id) => owners.get(id) ?? "")) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  const [owner, count] = [...counts].reduce((most, each) => each[1] > most[1] ? each : most, ["", 0]);
  return count > than ? owner : undefined;
}
