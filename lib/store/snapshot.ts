import type { ContentOptions, Source } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { CHUNK, sameMemory } from "../files/mod.ts";
import { type Descriptor, type Digest, isDigest, plainDescriptor, type Platform } from "../oci/mod.ts";
import { hasSize, streamBlob } from "./blobs.ts";
import { sparsePlatforms } from "./graph.ts";
import { type IndexEntry, readIndex } from "./index_file.ts";
import type { Layout } from "./layout.ts";
import { findEntry, type ImageName, storedName } from "./names.ts";
import type { ReferrerLookUp } from "./repository.ts";

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
}

/** What a name stands for. */
export interface FoundImage {
  descriptor: Descriptor;
  /** The platforms whose content is there, if others were left out. */
  platforms?: readonly Platform[];
}

/** Reads the index once, for all that is asked. */
export async function takeSnapshot(
  layout: Layout,
  referrersOf: ReferrerLookUp,
  { signal }: ContentOptions,
): Promise<Snapshot> {
  const index = await readIndex(layout, signal);
  const byName = new Map<string, IndexEntry>();
  const byDigest = new Map<Digest, IndexEntry>();
  for (const entry of index.entries) {
    // Of several entries of one name the last one counts.
    if (entry.name !== undefined) byName.set(entry.name, entry);
    if (entry.descriptor) byDigest.set(entry.descriptor.digest, entry);
  }
  return {
    name: layout.root,
    names: [...byName.keys()],
    holds: (descriptor) => hasSize(layout, descriptor),
    find: (name) => foundImage(byName.get(storedName(name)) ?? findEntry(index.entries, name, layout.root), layout),
    resolve(wanted) {
      const entry = isDigest(wanted) ? byDigest.get(wanted) : byName.get(wanted);
      if (entry) return Promise.resolve({ descriptor: foundImage(entry, layout).descriptor });
      return Promise.reject(new SatchelError("not-found", `${wanted} is not in ${layout.root}`));
    },
    fetch: (descriptor, options = {}) =>
      streamBlob(layout, descriptor, options, (size) => sameMemory(Math.min(size, CHUNK))),
    referrers: (subject, options) => referrersOf(index, subject.digest, options?.signal),
    async *tags() {
      yield* byName.keys();
    },
  };
}

function foundImage({ descriptor, raw, name }: IndexEntry, { indexFile }: Layout): FoundImage {
  if (!descriptor) {
    throw new SatchelError("invalid", `The entry of ${name ?? raw.digest} in ${indexFile} is not a valid descriptor`);
  }
  const platforms = sparsePlatforms(descriptor);
  return { descriptor: plainDescriptor(descriptor), ...(platforms && { platforms }) };
}
