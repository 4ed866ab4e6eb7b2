import { attachmentLookUps, copy } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import type { Descriptor, Reference } from "../../lib/oci/mod.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openRemoteSource } from "../open/remote.ts";
import type { PlaceContext } from "./place.ts";

/** How many manifests that refer to one image are fetched. */
const MAX_ATTACHMENTS = 1000;

/**
 * Brings what refers to an image of the store from the image's registry, as a pull would have.
 *
 * @returns how many manifests there are
 * @throws {SatchelError} `invalid` if there are too many; whatever a registry or the store can end in
 */
export async function bringAttachments(
  store: Store,
  image: Reference,
  subject: Descriptor,
  context: PlaceContext,
): Promise<number> {
  const { signal, settings, reporter } = context;
  const source = await openRemoteSource(image, context);
  const found = (await Promise.all(attachmentLookUps(source, subject, { signal }).map((lookUp) => lookUp()))).flat();
  if (found.length > MAX_ATTACHMENTS) {
    throw new SatchelError("invalid", `more than ${MAX_ATTACHMENTS} manifests refer to ${subject.digest}`);
  }
  const batch = store.batch();
  const target = batch.repository(image);
  for (const { descriptor, tag } of found) {
    await copy(source, descriptor.digest, target, {
      signal,
      referrers: false,
      onWarning: reporter.warn,
      ...(tag !== undefined && { tag }),
      ...(settings.concurrency !== undefined && { concurrency: settings.concurrency }),
    });
  }
  await batch.commit({ signal });
  return found.length;
}
