import { type Descriptor, type Digest, formatReference, type Reference } from "../../lib/oci/mod.ts";
import type { Artifact } from "../../lib/plugin/contract.ts";
import { attachArtifact, type AttachTo } from "../../lib/signing/mod.ts";
import { checkPush } from "../image/plugin_hooks.ts";
import { openLocalStore } from "../open/local_store.ts";
import { openRemote } from "../open/remote.ts";
import { imageText } from "../output/output.ts";
import { findStored, type PlaceContext } from "./place.ts";

/** Something that was attached to an image, as `-o json` has it. */
export interface AttachedReport {
  digest: Digest;
  mediaType: string;
  /** Bytes. */
  size: number;
  artifactType: string;
  /** The tag that ties it to the image (`sha256-<hex>.sig`), empty for an OCI referrer. */
  tag: string;
}

/**
 * Finds an image that something is to be attached to, once: in the local store, or in its registry, where a plugin that guards pushes is
 * asked.
 *
 * @throws {SatchelError} `not-found`, `refused`; whatever a store or a registry can end in
 */
export async function findToAttach(image: Reference, isRemote: boolean, context: PlaceContext): Promise<AttachTo> {
  const { settings, reporter, plugins, signal } = context;
  if (!isRemote) {
    const store = openLocalStore(settings, reporter);
    const { subject } = await findStored(store, image, signal);
    const repository = store.repository(image);
    return { source: repository, target: repository, subject };
  }
  const repository = await openRemote(image, context, { access: "push" });
  const { descriptor: { mediaType, digest, size } } = await repository.resolve(image.digest ?? image.tag!, { signal });
  const subject: Descriptor = { mediaType, digest, size };
  reporter.detail(`${formatReference(image)} is ${digest}`);
  await checkPush(subject, { plugins, image, store: settings.store });
  return { source: repository, target: repository, subject };
}

/** Attaches artifacts, one after the other: several may share a tag. */
export async function attachAll(
  to: AttachTo,
  artifacts: readonly Artifact[],
  signal: AbortSignal,
): Promise<AttachedReport[]> {
  const reports: AttachedReport[] = [];
  for (const artifact of artifacts) {
    const { mediaType, digest, size } = await attachArtifact(to, artifact, signal);
    const { tag, layers } = artifact;
    // The config of what a tag ties says nothing of what it is; `image referrers` goes by its content as well.
    const artifactType = imageText((tag !== undefined && layers[0]?.mediaType) || artifact.artifactType);
    reports.push({ digest, mediaType, size, artifactType, tag: tag ?? "" });
  }
  return reports;
}
