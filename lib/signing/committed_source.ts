import type { Commit, Source } from "../content/mod.ts";
import { plainDescriptor } from "../oci/mod.ts";

/**
 * What is about to become visible, as a source: names and referrers of a commit before those that are there already, and content that was
 * pushed by then.
 *
 * @param place where the commit goes; it can read what was pushed to it
 */
export function committedSource({ names, manifests }: Commit, place: Source): Source {
  return {
    name: place.name,
    resolve: async (reference, options) => {
      const named = names.find(({ tag }) => tag === reference);
      if (named) return { descriptor: plainDescriptor(named.descriptor), bytes: named.bytes };
      return await place.resolve(reference, options);
    },
    fetch: (descriptor, options) => place.fetch(descriptor, options),
    async referrers(subject, options) {
      const coming = manifests.filter((each) => each.subject?.digest === subject.digest)
        .map(({ descriptor }) => plainDescriptor(descriptor));
      const known = new Set(coming.map(({ digest }) => digest));
      const there = await place.referrers(subject, options);
      return [...coming, ...there.filter(({ digest }) => !known.has(digest))];
    },
    tags: (options) => place.tags(options),
  };
}
