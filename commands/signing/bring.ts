import { attachmentLookUps, copy } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import type { Descriptor, Reference } from "../../lib/oci/mod.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openRemoteSource } from "../open/remote.ts";
import type { PlaceContext } from "./place.ts";

/** How many manifests that refer to one image are fetched. */
const MAX_ATTACHMENTS = 1000;

/** What was brought. */
export interface Brought {
  /** How many manifests are there by now. */
  count: number;
  /** Why another one is not: it may be what is missing. */
  failure?: SatchelError;
}

/**
 * Brings what refers to an image of the store from the image's registry, as a pull would have. What cannot be fetched is no reason to do
 * without the rest.
 *
 * @throws {SatchelError} `invalid` if there are too many; whatever a registry or the store can end in
 */
export async function bringAttachments(
  store: Store,
  image: Reference,
  subject: Descriptor,
  context: PlaceContext,
): Promise<Brought> {
  const { signal, settings, reporter } = context;
  const source = await openRemoteSource(image, context);
  const found = (await Promise.all(attachmentLookUps(source, subject, { signal }).map((lookUp) => lookUp()))).flat();
  if (found.length > MAX_ATTACHMENTS) {
    throw new SatchelError("invalid", `more than ${MAX_ATTACHMENTS} manifests refer to ${subject.digest}`);
  }
  const batch = store.batch();
  const target = batch.repository(image);
  let failure: SatchelError | undefined;
  let count = 0;
  for (const { descriptor, tag } of found) {
    try {
      await copy(source, descriptor.digest, target, {
        signal,
        referrers: false,
        onWarning: reporter.warn,
        ...(tag !== undefined && { tag }),
        ...(settings.concurrency !== undefined && { concurrency: settings.concurrency }),
      });
      count++;
    } catch (error) {
      if (!(error instanceof SatchelError) || signal.aborted) throw error;
      failure ??= notFetched(error);
    }
  }
  await batch.commit({ signal });
  return { count, ...(failure && { failure }) };
}

/** That a part of it is not found does not mean that the image is not. */
function notFetched(error: SatchelError): SatchelError {
  const { hint, obstacle, remedy } = error;
  const code = error.code === "not-found" ? "registry" : error.code;
  const message = `what refers to the image cannot be fetched: ${error.message}`;
  return new SatchelError(code, message, { hint, obstacle, remedy, cause: error });
}
