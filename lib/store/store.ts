import type { ContentOptions, Source, Target } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { compareBytes, type Descriptor, type Digest, plainDescriptor, type Reference } from "../oci/mod.ts";
import { hasSize, type StoredFile, storedFile } from "./blobs.ts";
import { type CheckOptions, type CheckReport, checkStore } from "./check.ts";
import { EntryList } from "./entries.ts";
import { statOf } from "../files/mod.ts";
import { collectGarbage, type GcOptions, type GcReport } from "./gc.ts";
import { manifestReader, walkInTurns } from "./graph.ts";
import { listImages, type ListOptions, type StoredImage } from "./images.ts";
import { changeIndex, readIndex, renamed } from "./index_file.ts";
import { type ContentListOptions, listContent } from "./inventory.ts";
import { blobPath, type Layout, layoutOf, type StoreOptions } from "./layout.ts";
import { type RepositoriesHolding, repositoriesHolding } from "./mounts.ts";
import { findEntry, type ImageName, storedName } from "./names.ts";
import { type PushedManifest, putManifest, type PutManifestOptions } from "./put_manifest.ts";
import { removeImage, type RemoveResult } from "./remove.ts";
import { removeBlob, removeManifest } from "./remove_digest.ts";
import { commitAll, type CommitTaker, type RepositoryCommit, storeRepository } from "./repository.ts";
import { type ReferrerLookUp, referrerLookUp } from "./referrers.ts";
import { sharedCommits } from "./shared_waits.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";
import { nameImage } from "./sparse.ts";
import { type UploadLimits, type UploadSessions, uploadSessions } from "./uploads.ts";

export type { StoredFile } from "./blobs.ts";
export type { CheckOptions, CheckReport } from "./check.ts";
export type { Finding } from "./garbage.ts";
export type { GcOptions, GcReport } from "./gc.ts";
export type { ContentListOptions } from "./inventory.ts";
export type { ListOptions, StoredImage } from "./images.ts";
export type { RepositoriesHolding } from "./mounts.ts";
export type { RemoveResult } from "./remove.ts";
export type { FoundImage, Snapshot } from "./snapshot.ts";
export type { StoreOptions } from "./layout.ts";
export type { ImageName } from "./names.ts";
export type { PushedManifest, PutManifestOptions } from "./put_manifest.ts";
export type { StartUploadOptions, UploadLimits, UploadSession, UploadSessions } from "./uploads.ts";

/** Several copies to a store, named together: each change of the index rewrites all of it. */
export interface StoreBatch {
  /** As {@link Store.repository}, but its commits wait for {@link StoreBatch.commit}. */
  repository(reference: Reference): Source & Target;

  /** Whether something lies in the place of this content, whatever its bytes. */
  hasFile(digest: Digest): boolean;

  /**
   * Makes visible what was committed so far.
   *
   * @throws {SatchelError} `content-lost` if something of it vanished meanwhile: then nothing of it is visible, and all of
   *   it is to be copied again; `busy`, `storage`, `cancelled`
   */
  commit(options?: ContentOptions): Promise<void>;
}

/** A store of images on disk. */
export interface Store {
  /** Its folder, absolute. */
  readonly path: string;

  /** One repository of it, as a source and a target for `copy`. */
  repository(reference: Reference): Source & Target;

  /**
   * All of it to copy many images from; see {@link Snapshot}.
   *
   * @throws {SatchelError} `invalid`, `storage`, `busy`, `cancelled`
   */
  snapshot(options?: ContentOptions): Promise<Snapshot>;

  /** The file of a blob or a manifest, if it is there; its bytes may still be others than its digest says. */
  fileOf(digest: Digest): StoredFile | undefined;

  /** Lists the configs and layers of images that have a name; see {@link listContent}. */
  content(options?: ContentListOptions): Promise<Digest[]>;

  /** Takes in several images with one change of the index. */
  batch(): StoreBatch;

  /**
   * Finds the manifest that a name stands for. `name@digest` finds any image of that repository with that digest.
   *
   * @throws {SatchelError} `not-found`, also if tag and digest do not agree; `invalid`, `storage`, `busy`, `cancelled`
   */
  resolve(name: ImageName, options?: ContentOptions): Promise<Descriptor>;

  /** All names, sorted, without a look at any image: cheap, for completion. */
  names(options?: ContentOptions): Promise<string[]>;

  /**
   * Gives an image another name; one that exists moves. What it stood for before stays, without a name.
   *
   * @throws {SatchelError} `not-found`, `usage` if the new name holds another digest, `busy`, `storage`, `cancelled`
   */
  tag(source: ImageName, name: Reference, options?: ContentOptions): Promise<Descriptor>;

  /** Lists what is there; see {@link listImages}. */
  images(options?: ListOptions): Promise<StoredImage[]>;

  /** Takes a name away, and with the last one the image; see {@link removeImage}. */
  remove(name: ImageName, options?: ContentOptions): Promise<RemoveResult>;

  /** Takes in a manifest whose parts are there; see {@link putManifest}. */
  putManifest(repository: Reference, manifest: PushedManifest, options?: PutManifestOptions): Promise<Descriptor[]>;

  /** Takes a manifest's names of one repository away; see {@link removeManifest}. */
  removeManifest(repository: Reference, digest: Digest, options?: ContentOptions): Promise<boolean>;

  /** Removes a blob that nothing needs; see {@link removeBlob}. */
  removeBlob(digest: Digest, options?: ContentOptions): Promise<boolean>;

  /** Blobs that arrive in parts. */
  uploads(limits: UploadLimits): UploadSessions;

  /** Reads and hashes everything, and tells damage from garbage; see {@link checkStore}. */
  check(options?: CheckOptions): Promise<CheckReport>;

  /** Removes what no image needs; see {@link collectGarbage}. */
  gc(options?: GcOptions): Promise<GcReport>;

  /**
   * Which repositories of a registry hold a piece of content, as far as this store tells by its names: what was pulled
   * from there or pushed there need not be uploaded again (distribution-spec 1.1, "Mounting a blob").
   *
   * @throws {SatchelError} `invalid`, `storage`, `busy`, `cancelled`
   */
  repositoriesHolding(registry: string, options?: ContentOptions): Promise<RepositoriesHolding>;
}

/**
 * Opens a store. Nothing is read before it is needed, and nothing is created before something is written.
 */
export function openStore(options: StoreOptions): Store {
  const layout = layoutOf(options);
  const referrersOf = referrerLookUp(layout);
  const takeCommit = sharedCommits(layout);
  return {
    path: layout.root,
    repository: (reference) => storeRepository(layout, reference, referrersOf),
    snapshot: (contentOptions = {}) => takeSnapshot(layout, referrersOf, contentOptions),
    fileOf: (digest) => storedFile(layout, digest),
    content: (contentOptions) => listContent(layout, contentOptions),
    batch: () => openBatch(layout, referrersOf),
    images: (listOptions) => listImages(layout, listOptions),
    names: ({ signal } = {}) => listNames(layout, signal),
    resolve: (name, { signal } = {}) => resolveName(layout, name, signal),
    tag: (source, name, { signal } = {}) => tagImage(layout, source, name, signal),
    remove: (name, { signal } = {}) => removeImage(layout, name, signal),
    putManifest: (repository, manifest, contentOptions) =>
      putManifest(layout, repository, manifest, takeCommit, contentOptions),
    removeManifest: (repository, digest, contentOptions) => removeManifest(layout, repository, digest, contentOptions),
    removeBlob: (digest, contentOptions) => removeBlob(layout, digest, contentOptions),
    uploads: (limits) => uploadSessions(layout, limits),
    check: (checkOptions) => checkStore(layout, checkOptions),
    gc: (gcOptions) => collectGarbage(layout, gcOptions),
    repositoriesHolding: (registry, { signal } = {}) => repositoriesHolding(layout, registry, signal),
  };
}

function openBatch(layout: Layout, referrersOf: ReferrerLookUp): StoreBatch {
  let waiting: RepositoryCommit[] = [];
  const wait: CommitTaker = (repository, commit) => {
    waiting.push({ repository, commit });
    return Promise.resolve();
  };
  return {
    repository: (reference) => storeRepository(layout, reference, referrersOf, wait),
    hasFile: (digest) => storedFile(layout, digest) !== undefined,
    async commit({ signal } = {}) {
      const commits = waiting;
      waiting = [];
      if (commits.length > 0) await commitAll(layout, commits, signal);
    },
  };
}

async function listNames(layout: Layout, signal: AbortSignal | undefined): Promise<string[]> {
  const { entries } = await readIndex(layout, signal);
  return [...new Set(entries.flatMap(({ name }) => name ?? []))].sort(compareBytes);
}

async function resolveName(layout: Layout, name: ImageName, signal: AbortSignal | undefined): Promise<Descriptor> {
  const { entries } = await readIndex(layout, signal);
  const { descriptor } = findEntry(entries, name, layout.root);
  if (descriptor) return plainDescriptor(descriptor);
  throw new SatchelError(
    "invalid",
    `The entry of ${storedName(name)} in ${layout.indexFile} is not a valid descriptor`,
  );
}

async function tagImage(
  layout: Layout,
  source: ImageName,
  name: Reference,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  // So that a name that is not there creates no store.
  await resolveName(layout, source, signal);
  return changeIndex(layout, signal, async ({ index, save }) => {
    const entry = findEntry(index.entries, source, layout.root);
    const { descriptor } = entry;
    if (!descriptor) {
      throw new SatchelError("invalid", `${storedName(source)} is not a valid entry of ${layout.indexFile}`);
    }
    if (name.digest !== undefined && name.digest !== descriptor.digest) {
      throw new SatchelError(
        "usage",
        `${storedName(source)} is ${descriptor.digest} and cannot be named ${storedName(name)}`,
      );
    }
    const reader = manifestReader(layout, signal);
    for await (const node of walkInTurns([descriptor], reader)) {
      if (!node.isGuess && !hasSize(layout, node.descriptor)) throw incomplete(layout, source, node.descriptor.digest);
    }
    const list = new EntryList(index.entries);
    nameImage(list, renamed(entry, storedName(name)), reader);
    save(list.entries);
    return plainDescriptor(descriptor);
  });
}

function incomplete(layout: Layout, name: ImageName, digest: Digest): SatchelError {
  const how = statOf(blobPath(layout, digest)) ? "damaged" : "missing";
  return new SatchelError("integrity", `${storedName(name)} is incomplete: ${digest} is ${how} in ${layout.root}`, {
    hint: "Pull it again: that brings back what is missing.",
  });
}
