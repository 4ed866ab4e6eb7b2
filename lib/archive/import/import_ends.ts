import pLimit, { type LimitFunction } from "p-limit";
import { DEFAULT_CONCURRENCY, type Source, type Target } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import type { Descriptor, Digest } from "../../oci/mod.ts";
import type { Archive } from "../archive.ts";

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

/** A target to which not all commit at the same time. */
export function committingInTurn(target: Target, slots: LimitFunction): Target {
  return {
    name: target.name,
    manifestsAreComplete: target.manifestsAreComplete,
    prepare: (options) => target.prepare(options),
    has: (descriptor, options) => target.has(descriptor, options),
    readManifest: (descriptor, options) => target.readManifest(descriptor, options),
    push: (descriptor, content, options) => target.push(descriptor, content, options),
    commit: (commit, options) => slots(() => target.commit(commit, options)),
  };
}

/** Content up to so many bytes costs a wait for the disk rather than time or memory. */
const SMALL = 64 * 1024;

/** How much small content is taken in at the same time; each has two files open. */
const SMALL_CONCURRENCY = 128;

/**
 * What arrives at the target of many copies that run at the same time: content that several of them need, once; and of what is
 * large not more at the same time than of one copy.
 */
export class Arrivals {
  readonly #onArrival: (descriptor: Descriptor) => void;
  readonly #underWay = new Map<Digest, Promise<void>>();
  readonly #largeSlots: LimitFunction;
  readonly #smallSlots: LimitFunction;
  #prepared: Promise<void> | undefined;

  /**
   * @param onArrival told of what was not at the target before
   * @param concurrency how much large content is read and written at the same time
   */
  constructor(onArrival: (descriptor: Descriptor) => void, concurrency = DEFAULT_CONCURRENCY) {
    this.#onArrival = onArrival;
    this.#largeSlots = pLimit(concurrency);
    this.#smallSlots = pLimit(SMALL_CONCURRENCY);
  }

  /** Wraps a target of one of them. */
  at(target: Target): Target {
    return {
      name: target.name,
      manifestsAreComplete: target.manifestsAreComplete,
      // The repositories of one store are made ready together.
      prepare: (options) => this.#prepared ??= target.prepare(options),
      has: async (descriptor, options) => {
        // However it ends: what has not arrived is asked for below.
        await this.#underWay.get(descriptor.digest)?.catch(() => {});
        return await this.#inTurn(descriptor, () => target.has(descriptor, options));
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
    const arrival = this.#inTurn(descriptor, push);
    this.#underWay.set(digest, arrival);
    try {
      await arrival;
      this.#onArrival(descriptor);
    } finally {
      this.#underWay.delete(digest);
    }
  }

  #inTurn<T>({ size }: Descriptor, work: () => Promise<T>): Promise<T> {
    return size > SMALL ? this.#largeSlots(work) : this.#smallSlots(work);
  }
}
