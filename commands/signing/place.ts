import type { Source } from "../../lib/content/mod.ts";
import { hasCode, SatchelError } from "../../lib/error.ts";
import { type Descriptor, formatReference, type Reference } from "../../lib/oci/mod.ts";
import type { PluginHost } from "../../lib/plugin/mod.ts";
import type { Store } from "../../lib/store/mod.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";

/** An image, found: its name is not looked up again. */
export interface FoundImage {
  source: Source;
  subject: Descriptor;
}

/** What is needed to look for images. */
export interface PlaceContext {
  settings: Settings;
  reporter: Reporter;
  plugins: PluginHost;
  signal: AbortSignal;
}

/**
 * Finds an image in the local store, as that is at this moment.
 *
 * @throws {SatchelError} `not-found`, `usage`, `invalid`, `storage`
 */
export async function findStored(store: Store, image: Reference, signal: AbortSignal): Promise<FoundImage> {
  const snapshot = await store.snapshot({ signal });
  try {
    return { source: snapshot, subject: snapshot.find(image).descriptor };
  } catch (error) {
    if (!hasCode(error, "not-found")) throw error;
    throw new SatchelError("not-found", error.message, {
      hint: `Pull it, or look at the registry with --remote.`,
      cause: error,
    });
  }
}

/**
 * Finds an image in its registry.
 *
 * @throws {SatchelError} `not-found`, and whatever a registry can end in
 */
export async function findRemote(image: Reference, context: PlaceContext): Promise<FoundImage> {
  // Most images are looked for in the store, without all that speaks to registries.
  const { openRemoteSource } = await import("../open/remote.ts");
  const source = await openRemoteSource(image, context);
  const { descriptor } = await source.resolve(image.digest ?? image.tag!, { signal: context.signal });
  context.reporter.detail(`${formatReference(image)} is ${descriptor.digest}`);
  return { source, subject: descriptor };
}
