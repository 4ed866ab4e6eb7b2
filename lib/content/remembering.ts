import type { Descriptor } from "../oci/mod.ts";
import type { Target } from "./content.ts";

/** What is known to be at a target: blobs of this digest and size. */
export class KnownContent {
  readonly #known = new Set<string>();

  add(descriptor: Descriptor): void {
    this.#known.add(keyOf(descriptor));
  }

  has(descriptor: Descriptor): boolean {
    return this.#known.has(keyOf(descriptor));
  }
}

function keyOf({ digest, size }: Descriptor): string {
  return `${digest} ${size}`;
}

/**
 * A target that remembers what was once found or put there, so that content which many images share is read and hashed
 * once. What vanishes meanwhile is noticed by the commit; then the memory is to be thrown away.
 */
export function rememberingTarget(target: Target, known: KnownContent): Target {
  return {
    name: target.name,
    manifestsAreComplete: target.manifestsAreComplete,
    prepare: (options) => target.prepare(options),
    async has(descriptor, options) {
      if (known.has(descriptor)) return true;
      const isThere = await target.has(descriptor, options);
      if (isThere) known.add(descriptor);
      return isThere;
    },
    readManifest: (descriptor, options) => target.readManifest(descriptor, options),
    async push(descriptor, content, options) {
      await target.push(descriptor, content, options);
      known.add(descriptor);
    },
    commit: (commit, options) => target.commit(commit, options),
  };
}
