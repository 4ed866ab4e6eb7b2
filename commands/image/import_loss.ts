import type { ImportedImage } from "../../lib/archive/mod.ts";
import { planCopy } from "../../lib/content/mod.ts";
import { hasCode, SatchelError } from "../../lib/error.ts";
import { type Descriptor, formatPlatform, formatReference, isForeignLayerType } from "../../lib/oci/mod.ts";
import type { Snapshot, Store } from "../../lib/store/mod.ts";

/**
 * The store takes an image for whole that was so before some of its platforms came again. Whether it still is has to be looked
 * at: whoever brought a part shall not believe that all of it is there.
 *
 * @param stored with the platforms that the store says it has
 * @param came the same images, with the platforms that came
 */
export async function lossesOf(
  store: Store,
  stored: readonly ImportedImage[],
  came: readonly ImportedImage[],
  signal: AbortSignal,
): Promise<SatchelError[]> {
  const snapshot = await store.snapshot({ signal });
  const losses: SatchelError[] = [];
  for (const [at, { reference, root, platforms }] of stored.entries()) {
    const brought = came[at].platforms;
    if (!brought || platforms || await isWhole(snapshot, root, signal)) continue;
    const what = `only what is for ${brought.map(formatPlatform).join(", ")} came`;
    losses.push(
      new SatchelError("integrity", `${formatReference(reference)} has lost something in ${store.path}, and ${what}`, {
        hint: "`store check` says what is missing; pull it, or import an archive that has all of it.",
      }),
    );
  }
  return losses;
}

async function isWhole(snapshot: Snapshot, root: Descriptor, signal: AbortSignal): Promise<boolean> {
  try {
    const { blobs } = await planCopy(snapshot, root.digest, { signal, referrers: false });
    return blobs.every((blob) => isForeignLayerType(blob.mediaType) || snapshot.holds(blob));
  } catch (error) {
    if (hasCode(error, "not-found") || hasCode(error, "integrity")) return false;
    throw error;
  }
}
