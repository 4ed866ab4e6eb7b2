import type { Commit, Source } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { plainDescriptor } from "../oci/mod.ts";

/**
 * What is about to become visible, as a source: names and referrers of a commit, and content that was pushed by then.
 *
 * @param place where the commit goes; it can read what was pushed to it
 * @param there what is there already, for names and referrers that the commit does not have. Default: nothing is
 */
export function committedSource({ names, manifests }: Commit, place: Source, there?: Source): Source {
  return {
    name: place.name,
    resolve: async (reference, options) => {
      const named = names.find(({ tag }) => tag === reference);
      if (named) return { descriptor: plainDescriptor(named.descriptor), bytes: named.bytes };
      if (there) return await there.resolve(reference, options);
      throw new SatchelError("not-found", `${reference} does not come along`);
    },
    fetch: (descriptor, options) => place.fetch(descriptor, options),
    async referrers(subject, options) {
      const coming = manifests.filter((each) => each.subject?.digest === subject.digest)
        .map(({ descriptor }) => plainDescriptor(descriptor));
      const known = new Set(coming.map(({ digest }) => digest));
      const others = await there?.referrers(subject, options) ?? [];
      return [...coming, ...others.filter(({ digest }) => !known.has(digest))];
    },
    async *tags(options) {
      for (const { tag } of names) yield tag;
      if (there) yield* there.tags(options);
    },
  };
}
