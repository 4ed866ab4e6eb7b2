import type { Source } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { type Digest, isDigest, plainDescriptor } from "../oci/mod.ts";
import { CHUNK, sameMemory } from "../files/mod.ts";
import { streamBlob } from "./blobs.ts";
import { type IndexEntry, type IndexFile, readIndex } from "./index_file.ts";
import type { Layout } from "./layout.ts";
import type { ReferrerLookUp } from "./repository.ts";

/** The entries of one index, to be found without a walk through all of them. */
interface Finder {
  byName: ReadonlyMap<string, IndexEntry>;
  byDigest: ReadonlyMap<Digest, IndexEntry>;
}

/**
 * All of a store as one source: a digest is that of any listed manifest, a tag that of an attachment, or the name of an image
 * exactly as it is stored. All chunks of one blob lie in the same memory, so it is nothing for a sender that keeps them.
 */
export function storeSource(layout: Layout, referrersOf: ReferrerLookUp): Source {
  const finderOf = memoized(finder);
  return {
    name: layout.root,

    async resolve(wanted, { signal } = {}) {
      const { byName, byDigest } = finderOf(await readIndex(layout, signal));
      const entry = isDigest(wanted) ? byDigest.get(wanted) : byName.get(wanted);
      if (!entry) throw new SatchelError("not-found", `${wanted} is not in ${layout.root}`);
      if (entry.descriptor) return { descriptor: plainDescriptor(entry.descriptor) };
      throw new SatchelError("invalid", `The entry of ${wanted} in ${layout.indexFile} is not a valid descriptor`);
    },

    fetch: (descriptor, options = {}) =>
      streamBlob(layout, descriptor, options, (size) => sameMemory(Math.min(size, CHUNK))),

    async referrers(subject, { signal } = {}) {
      return await referrersOf(await readIndex(layout, signal), subject.digest, signal);
    },

    async *tags({ signal } = {}) {
      yield* finderOf(await readIndex(layout, signal)).byName.keys();
    },
  };
}

function finder({ entries }: IndexFile): Finder {
  const byName = new Map<string, IndexEntry>();
  const byDigest = new Map<Digest, IndexEntry>();
  for (const entry of entries) {
    // Of several entries of one name the last one counts.
    if (entry.name !== undefined) byName.set(entry.name, entry);
    if (entry.descriptor) byDigest.set(entry.descriptor.digest, entry);
  }
  return { byName, byDigest };
}

/** Remembers the last answer, for as long as the same is asked. */
function memoized<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  let last: { key: Key; value: Value } | undefined;
  return (key) => {
    if (last?.key !== key) last = { key, value: make(key) };
    return last.value;
  };
}
