import {
  type Commit,
  fromAnyPlace,
  type NamedManifest,
  readVerified,
  type Source,
  type Target,
} from "../../content/mod.ts";
import { throwIfCancelled } from "../../error.ts";
import { type Descriptor, MAX_MANIFEST_SIZE } from "../../oci/mod.ts";
import type { AttachmentName, PlannedImage } from "./plan_images.ts";
import { counted } from "./pour.ts";
import type { Tallies } from "./tallies.ts";

/** Options of {@link bringImage}. */
export interface BringOptions {
  tallies: Tallies;
  signal?: AbortSignal;
}

/**
 * Brings what a planned image needs to a target, and commits it. Where nothing of it is visible before, all comes in any order; when
 * this returns or throws, nothing is under way any more.
 *
 * @throws {SatchelError} whatever source and target throw; the first error ends it
 */
export async function bringImage(
  source: Source,
  image: PlannedImage,
  target: Target,
  { tallies, signal }: BringOptions,
): Promise<void> {
  const failure = new AbortController();
  const either = signal ? AbortSignal.any([signal, failure.signal]) : failure.signal;
  const bringAll = async (contents: readonly Descriptor[]) => {
    const bringing = contents.map((content) =>
      bring(source, content, target, { tallies, signal: either }).catch((error) => failure.abort(error))
    );
    await Promise.all(bringing);
    throwIfCancelled(signal);
    failure.signal.throwIfAborted();
  };
  if (target.manifestsAreComplete) {
    // A registry takes a manifest when it has all that is below.
    await bringAll(image.blobs);
    for (const { descriptor } of image.manifests) await bringAll([descriptor]);
  } else await bringAll(image.contents);
  await target.commit(await commitOf(source, image, target, signal), { signal });
}

async function bring(
  source: Source,
  content: Descriptor,
  target: Target,
  { tallies, signal }: BringOptions,
): Promise<void> {
  throwIfCancelled(signal);
  if (await target.has(content, { signal })) return tallies.found(content);
  throwIfCancelled(signal);
  const receive = (bytes: number) => tallies.receive(bytes);
  const open = (offset?: number) => counted(source.fetch(content, { offset, signal }), receive);
  await fromAnyPlace(source, content, () => target.push(content, { open }, { signal, onResumed: receive }));
  tallies.arrived(content.digest);
}

async function commitOf(
  source: Source,
  { reference, root, manifests, blobs, attachmentNames, platforms }: PlannedImage,
  target: Target,
  signal: AbortSignal | undefined,
): Promise<Commit> {
  const named = async (name: AttachmentName): Promise<NamedManifest> => ({
    ...name,
    bytes: await manifestBytes(source, name.descriptor, target, signal),
  });
  const names: NamedManifest[] = [];
  for (const name of attachmentNames) names.push(await named(name));
  const tag = reference.digest ?? reference.tag;
  if (tag !== undefined) names.push({ ...await named({ tag, descriptor: root }), ...(platforms && { platforms }) });
  return { manifests: [...manifests], blobs: [...blobs], names };
}

/** It is at the target by now; the archive may have left it out. */
async function manifestBytes(
  source: Source,
  descriptor: Descriptor,
  target: Target,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  return await target.readManifest(descriptor, { signal }) ??
    await readVerified(source.fetch(descriptor, { signal }), descriptor, MAX_MANIFEST_SIZE);
}
