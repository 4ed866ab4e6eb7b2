import { type ContentOptions, type ListedChild, listedChildren, type Source } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { CHUNK, sameMemory } from "../files/mod.ts";
import {
  type Descriptor,
  type Digest,
  isDigest,
  isManifestType,
  MAX_MANIFEST_SIZE,
  plainDescriptor,
  type Platform,
  tooLarge,
} from "../oci/mod.ts";
import { hasSize, readBlob, streamBlob } from "./blobs.ts";
import { manifestReader, sparsePlatforms } from "./graph.ts";
import { type IndexEntry, type IndexFile, readIndex } from "./index_file.ts";
import type { Layout } from "./layout.ts";
import { findEntry, type ImageName, storedName } from "./names.ts";
import type { ReferrerLookUp } from "./referrers.ts";
import { surveyEntries } from "./survey.ts";

/**
 * All of a store as one source, with the names that it had at one moment: a digest is that of any listed manifest, a tag that of
 * an attachment, or the name of an image exactly as it is stored. All chunks of one blob lie in the same memory, so it is nothing
 * for a sender that keeps them.
 */
export interface Snapshot extends Source {
  /** Exactly as they are stored, in no order. */
  readonly names: readonly string[];

  /**
   * Finds what a name stands for, as {@link Store.resolve} does.
   *
   * @throws {SatchelError} `not-found`, `invalid`
   */
  find(name: ImageName): FoundImage;

  /** Whether content lies there with the right size; its bytes may still be others. */
  holds(descriptor: Descriptor): boolean;

  /**
   * Lists manifests that have no name, are missing or damaged, and are no part of anything: as they cannot be read, nothing tells
   * what they referred to.
   *
   * @throws {SatchelError} `storage`, `cancelled`
   */
  gone(options?: ContentOptions): Promise<Descriptor[]>;

  /**
   * Reads a manifest whole, and checks it.
   *
   * @returns `undefined` if it is not there
   * @throws {SatchelError} `integrity` if it is damaged, `storage`
   */
  readManifest(descriptor: Descriptor): Uint8Array | undefined;

  /** The manifests that the listed indexes list, and those below them. They are read when this is first asked for. */
  children(): Promise<ReadonlyMap<Digest, ListedChild>>;
}

/** What a name stands for. */
export interface FoundImage {
  descriptor: Descriptor;
  /** The platforms whose content is there, if others were left out. */
  platforms?: readonly Platform[];
}

/** Those of indexes that have not changed since, so that a server need not make one for every request. */
const taken = new WeakMap<IndexFile, Snapshot>();

/** Reads the index once, for all that is asked. */
export async function takeSnapshot(
  layout: Layout,
  referrersOf: ReferrerLookUp,
  { signal }: ContentOptions,
): Promise<Snapshot> {
  const index = await readIndex(layout, signal);
  const known = taken.get(index);
  if (known) return known;
  const snapshot = snapshotOf(layout, index, referrersOf);
  taken.set(index, snapshot);
  return snapshot;
}

function snapshotOf(layout: Layout, index: IndexFile, referrersOf: ReferrerLookUp): Snapshot {
  const byName = new Map<string, IndexEntry>();
  const byDigest = new Map<Digest, IndexEntry>();
  for (const entry of index.entries) {
    // Of several entries of one name the last one counts.
    if (entry.name !== undefined) byName.set(entry.name, entry);
    if (entry.descriptor) byDigest.set(entry.descriptor.digest, entry);
  }
  let children: ReturnType<Snapshot["children"]> | undefined;
  const forgetChildren = () => void (children = undefined);
  return {
    name: layout.root,
    names: [...byName.keys()],
    holds: (descriptor) => hasSize(layout, descriptor),
    gone: ({ signal } = {}) => findGone(layout, index, signal),
    readManifest: (descriptor) => checkedBytes(layout, descriptor),
    find: (name) => foundImage(byName.get(storedName(name)) ?? findEntry(index.entries, name, layout.root), layout),
    resolve(wanted) {
      const entry = isDigest(wanted) ? byDigest.get(wanted) : byName.get(wanted);
      if (entry) return Promise.resolve({ descriptor: foundImage(entry, layout).descriptor });
      return Promise.reject(new SatchelError("not-found", `${wanted} is not in ${layout.root}`));
    },
    fetch: (descriptor, options = {}) =>
      streamBlob(layout, descriptor, options, (size) => sameMemory(Math.min(size, CHUNK))),
    children() {
      if (children) return children;
      // For all who ask, so nobody's signal ends it; what failed is tried again.
      children = listedChildren([...byDigest.values()].flatMap((entry) => entry.descriptor ?? []), childrenIn(layout));
      children.catch(forgetChildren);
      return children;
    },
    referrers: (subject, options) => referrersOf(index, subject.digest, options?.signal),
    async *tags() {
      yield* byName.keys();
    },
  };
}

function childrenIn(layout: Layout): (index: Descriptor) => Promise<readonly Descriptor[]> {
  const reader = manifestReader(layout, undefined);
  return async (index) => {
    await reader.turn();
    return reader.read(index).manifest?.children ?? [];
  };
}

async function findGone(layout: Layout, { entries }: IndexFile, signal?: AbortSignal): Promise<Descriptor[]> {
  const reader = manifestReader(layout, signal);
  const isUnreadable = ({ name, descriptor }: IndexEntry) => {
    if (name !== undefined || !descriptor || !isManifestType(descriptor.mediaType)) return false;
    const { state } = reader.read(descriptor);
    return state === "missing" || state === "damaged";
  };
  const unreadable: IndexEntry[] = [];
  for (const entry of entries) {
    const turn = reader.turn();
    if (turn) await turn;
    if (isUnreadable(entry)) unreadable.push(entry);
  }
  // Who needs what is looked up only then: that takes as long as listing all images.
  if (unreadable.length === 0) return [];
  const { uses } = await surveyEntries(entries, reader);
  return unreadable.flatMap((entry) => uses.get(entry) === "gone" ? plainDescriptor(entry.descriptor!) : []);
}

function foundImage({ descriptor, raw, name }: IndexEntry, { indexFile }: Layout): FoundImage {
  if (!descriptor) {
    throw new SatchelError("invalid", `The entry of ${name ?? raw.digest} in ${indexFile} is not a valid descriptor`);
  }
  const platforms = sparsePlatforms(descriptor);
  return { descriptor: plainDescriptor(descriptor), ...(platforms && { platforms }) };
}

function checkedBytes(layout: Layout, descriptor: Descriptor): Uint8Array | undefined {
  if (descriptor.size > MAX_MANIFEST_SIZE) throw tooLarge(descriptor.digest, descriptor.size);
  const { state, bytes } = readBlob(layout, descriptor);
  if (state === "damaged") throw new SatchelError("integrity", `${descriptor.digest} in ${layout.root} is damaged`);
  return bytes;
}
