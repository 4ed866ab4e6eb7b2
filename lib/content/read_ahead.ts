import type { Descriptor, Digest } from "../oci/mod.ts";
import { fromAnyPlace } from "./any_place.ts";
import { readVerified } from "./bytes.ts";
import type { ContentOptions, Source } from "./content.ts";
import { DEFAULT_CONCURRENCY } from "./copy_options.ts";

/** Content up to so many bytes is fetched before its turn; of more, it is the bytes that take time, not the way. */
const SMALL = 256 * 1024;

/** Options of {@link readingAhead}. */
export interface ReadAheadOptions extends ContentOptions {
  /** How many are fetched at the same time. Default: {@link DEFAULT_CONCURRENCY}. */
  concurrency?: number;
}

/**
 * A source to be read in a known order, one after the other: what is small and comes next is on its way already, so that not
 * every piece costs a round trip. In memory are never more pieces than are fetched at the same time.
 *
 * @param order what will be fetched, each once; others are fetched when they are asked for
 */
export function readingAhead(
  source: Pick<Source, "fetch" | "distrust">,
  order: readonly Descriptor[],
  { signal, concurrency = DEFAULT_CONCURRENCY }: ReadAheadOptions = {},
): Pick<Source, "fetch"> {
  const coming = new Map<Digest, Promise<Uint8Array>>();
  let next = 0;

  function startMore(): void {
    while (coming.size < concurrency && next < order.length) {
      const descriptor = order[next++];
      if (descriptor.size > SMALL) continue;
      const take = () => readVerified(source.fetch(descriptor, { signal }), descriptor, SMALL);
      const bytes = fromAnyPlace(source, descriptor, take);
      // Whoever asks for it is told; nobody may come to ask.
      bytes.catch(() => {});
      coming.set(descriptor.digest, bytes);
    }
  }

  return {
    async *fetch(descriptor, options = {}) {
      startMore();
      const ahead = coming.get(descriptor.digest);
      if (!ahead) return yield* source.fetch(descriptor, options);
      const bytes = await ahead;
      coming.delete(descriptor.digest);
      startMore();
      yield bytes.subarray(options.offset ?? 0);
    },
  };
}
