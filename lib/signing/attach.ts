import { Buffer } from "node:buffer";
import { contentOf, readVerified, type Source, type Target } from "../content/mod.ts";
import { hasCode, SatchelError } from "../error.ts";
import {
  type Annotations,
  type Descriptor,
  digestOf,
  encodeGoJson,
  isJsonObject,
  isTag,
  MAX_MANIFEST_SIZE,
  MediaType,
  parseManifestJson,
} from "../oci/mod.ts";
import type { Artifact, ArtifactLayer } from "../plugin/contract.ts";

/** An image that something is attached to, in the repository that has it. */
export interface AttachTo {
  /** What is there already: cosign's tags are added to. */
  source: Source;
  target: Target;
  /** The image. */
  subject: Descriptor;
}

/** The empty config of image-spec 1.1 ("Guidance for an empty descriptor"). */
const EMPTY = { mediaType: "application/vnd.oci.empty.v1+json", bytes: new TextEncoder().encode("{}") };

/** The config that cosign gives to what it ties to an image by a tag. */
const TAGGED_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";

/** A blob that is to be pushed. */
interface Blob {
  descriptor: Descriptor;
  bytes: Uint8Array;
}

/**
 * Attaches an artifact to an image: as a manifest whose `subject` is the image, or, where it has a tag, by that tag. What has been attached
 * by the same tag stays: the layers come behind those that are there.
 *
 * @returns the manifest that was written
 * @throws {SatchelError} `invalid` if the artifact's tag is none; whatever source and target throw
 */
export async function attachArtifact(to: AttachTo, artifact: Artifact, signal?: AbortSignal): Promise<Descriptor> {
  const { source, target, subject } = to;
  const { tag } = artifact;
  if (tag !== undefined && !isTag(tag)) throw new SatchelError("invalid", `"${tag}" is no tag`);
  const before = tag === undefined ? undefined : await readTagged(source, tag, signal);
  const layers = artifact.layers.map(blobOf);
  const config = artifact.config ? blobOf(artifact.config) : blobFrom(EMPTY.mediaType, EMPTY.bytes);
  const made = tag === undefined
    ? referrerOf(subject, artifact, config, layers)
    : taggedOf(before, artifact, config, layers);
  const bytes = new TextEncoder().encode(encodeGoJson(made.json));
  const descriptor: Descriptor = { mediaType: MediaType.ociManifest, digest: digestOf(bytes), size: bytes.length };

  await target.prepare({ signal });
  for (const blob of made.blobs) await target.push(blob.descriptor, contentOf(blob.bytes), { signal });
  await target.push(descriptor, contentOf(bytes), { signal });
  await target.commit({
    manifests: [{ descriptor, ...(tag === undefined && { subject }) }],
    blobs: made.blobs.map((blob) => blob.descriptor),
    names: tag === undefined ? [] : [{ tag, descriptor, bytes }],
  }, { signal });
  return descriptor;
}

function referrerOf(subject: Descriptor, artifact: Artifact, config: Blob, layers: readonly Blob[]) {
  const { mediaType, digest, size } = subject;
  const json = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    artifactType: artifact.artifactType,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    subject: { mediaType, digest, size },
    ...(artifact.annotations && { annotations: artifact.annotations }),
  };
  return { json, blobs: [config, ...layers] };
}

/** Members that a manifest by a tag keeps, whatever wrote it. */
function taggedOf(before: Record<string, unknown> | undefined, artifact: Artifact, own: Blob, layers: readonly Blob[]) {
  const added = layers.map(({ descriptor }) => descriptor);
  if (before) {
    const { layers: there } = before;
    if (!Array.isArray(there)) {
      throw new SatchelError("invalid", `what has the tag ${artifact.tag} is no image manifest`);
    }
    return { json: { ...before, layers: [...there, ...added] }, blobs: layers };
  }
  const config = artifact.config ? own : blobFrom(TAGGED_CONFIG_TYPE, taggedConfig(layers));
  const json = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: config.descriptor,
    layers: added,
    ...(artifact.annotations && { annotations: artifact.annotations }),
  };
  return { json, blobs: [config, ...layers] };
}

/** A config as cosign writes it: no platform, and its layers as the root file system. */
function taggedConfig(layers: readonly Blob[]): Uint8Array {
  const diffIds = layers.map(({ descriptor }) => descriptor.digest);
  return new TextEncoder().encode(
    encodeGoJson({
      architecture: "",
      created: "0001-01-01T00:00:00Z",
      history: layers.map(() => ({ created: "0001-01-01T00:00:00Z" })),
      os: "",
      rootfs: { type: "layers", diff_ids: diffIds },
      config: {},
    }),
  );
}

async function readTagged(
  source: Source,
  tag: string,
  signal: AbortSignal | undefined,
): Promise<Record<string, unknown> | undefined> {
  try {
    const { descriptor, bytes } = await source.resolve(tag, { signal });
    const content = bytes ?? await readVerified(source.fetch(descriptor, { signal }), descriptor, MAX_MANIFEST_SIZE);
    const json = parseManifestJson(content, `manifest ${descriptor.digest}`);
    return isJsonObject(json) ? json : undefined;
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}

function blobOf({ mediaType, data, annotations }: ArtifactLayer): Blob {
  return blobFrom(mediaType, Buffer.from(data, "base64"), annotations);
}

function blobFrom(mediaType: string, bytes: Uint8Array, annotations?: Annotations): Blob {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length, ...(annotations && { annotations }) };
  return { descriptor, bytes };
}
