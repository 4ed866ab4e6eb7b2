import type { Source, Target } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import type { Descriptor, Digest } from "../oci/mod.ts";
import type { Archive } from "./archive.ts";

/** The archive's source, telling where what is damaged lies if that helps to find it. */
export function placedSource(archive: Archive): Source {
  const { source } = archive;
  return {
    name: source.name,
    resolve: (reference, options) => source.resolve(reference, options),
    fetch: (descriptor, options) => source.fetch(descriptor, options),
    referrers: (subject, options) => source.referrers(subject, options),
    tags: (options) => source.tags(options),
    distrust(descriptor) {
      const place = archive.place?.(descriptor);
      if (place === undefined) return false;
      throw new SatchelError("integrity", `${descriptor.digest}, in ${place}, has other bytes than its name says`);
    },
  };
}

/** What arrives at the target of several copies that run at the same time: content that several of them need, once. */
export class Arrivals {
  readonly #onArrival: (descriptor: Descriptor) => void;
  readonly #underWay = new Map<Digest, Promise<void>>();

  /** @param onArrival told of what was not at the target before */
  constructor(onArrival: (descriptor: Descriptor) => void) {
    this.#onArrival = onArrival;
  }

  /** Wraps a target of one of them. */
  at(target: Target): Target {
    return {
      name: target.name,
      manifestsAreComplete: target.manifestsAreComplete,
      prepare: (options) => target.prepare(options),
      has: async (descriptor, options) => {
        // However it ends: what has not arrived is asked for below.
        await this.#underWay.get(descriptor.digest)?.catch(() => {});
        return await target.has(descriptor, options);
      },
      readManifest: (descriptor, options) => target.readManifest(descriptor, options),
      push: (descriptor, content, options) => this.#push(descriptor, () => target.push(descriptor, content, options)),
      commit: (commit, options) => target.commit(commit, options),
    };
  }

  async #push(descriptor: Descriptor, push: () => Promise<void>): Promise<void> {
    const { digest } = descriptor;
    const others = this.#underWay.get(digest);
    if (others) return await others;
    const arrival = push();
    this.#underWay.set(digest, arrival);
    try {
      await arrival;
      this.#onArrival(descriptor);
    } finally {
      this.#underWay.delete(digest);
    }
  }
}
