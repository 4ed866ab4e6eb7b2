import type { Descriptor } from "../oci/mod.ts";
import type { Commit, Source, Target } from "./content.ts";

/** All that an interface has, what is optional included, so that a wrapper that forgets to hand something on does not compile. */
type Whole<T> = { [Key in keyof Required<T>]: T[Key] };

/**
 * A source that has a check pass what a name stands for before anything else can be had of it. What passed once is not
 * checked again, however often a copy starts over.
 *
 * @param reference the tag or digest that is checked; others, those of attachments, are not
 * @param check throws to refuse
 */
export function gatedSource(
  source: Source,
  reference: string,
  check: (root: Descriptor) => Promise<void>,
): Source {
  const passed = new Set<string>();
  const gated: Whole<Source> = {
    name: source.name,
    resolve: async (asked, options) => {
      const resolved = await source.resolve(asked, options);
      const { digest } = resolved.descriptor;
      if (asked !== reference || passed.has(digest)) return resolved;
      await check(resolved.descriptor);
      passed.add(digest);
      return resolved;
    },
    fetch: (descriptor, options) => source.fetch(descriptor, options),
    referrers: (subject, options) => source.referrers(subject, options),
    tags: (options) => source.tags(options),
    distrust: source.distrust && ((descriptor) => source.distrust!(descriptor)),
  };
  return gated;
}

/** What is asked about a copy when everything of it is at its target. */
export interface CommitChecks {
  /** Before anything becomes visible; throws to leave the target's names as they are. */
  before?: (commit: Commit) => Promise<void>;
  /** When all of it is visible; throws to have the copy fail all the same. */
  after?: (commit: Commit) => Promise<void>;
}

/** A target that asks before or after it makes visible what was copied. */
export function gatedTarget(target: Target, { before, after }: CommitChecks): Target {
  const gated: Whole<Target> = {
    name: target.name,
    manifestsAreComplete: target.manifestsAreComplete,
    prepare: (options) => target.prepare(options),
    has: (descriptor, options) => target.has(descriptor, options),
    readManifest: (descriptor, options) => target.readManifest(descriptor, options),
    push: (descriptor, content, options) => target.push(descriptor, content, options),
    commit: async (commit, options) => {
      await before?.(commit);
      await target.commit(commit, options);
      await after?.(commit);
    },
  };
  return gated;
}
