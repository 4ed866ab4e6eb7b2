import { hasCode } from "../error.ts";
import type { Descriptor } from "../oci/mod.ts";
import type { Source } from "./content.ts";

/**
 * From how many places one piece of content is taken, one after the other, because the bytes were wrong. Nobody has as many
 * mirrors; a source that always says that it has another place must not keep a copy going without end.
 */
const MAX_PLACES = 32;

/** Takes content, and takes it again as long as the bytes are wrong and the source has them in another place as well. */
export async function fromAnyPlace<T>(
  source: Pick<Source, "distrust">,
  descriptor: Descriptor,
  take: () => Promise<T>,
): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await take();
    } catch (error) {
      const mayGoOn = hasCode(error, "integrity") && tries < MAX_PLACES;
      if (!mayGoOn || !source.distrust?.(descriptor)) throw error;
    }
  }
}
