import { Buffer } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import { contentOf, type Source, type Target } from "../content/mod.ts";
import { hasCode, SatchelError } from "../error.ts";
import {
  type Annotations,
  type Descriptor,
  type Digest,
  digestOf,
  encodeGoJson,
  isTag,
  MAX_MANIFEST_SIZE,
  MediaType,
  tooLarge,
} from "../oci/mod.ts";
import type { Artifact, ArtifactLayer } from "../plugin/contract.ts";
import { pause } from "../runtime/pause.ts";
import { extendedConfig, readTagged, type Tagged, taggedConfig } from "./tagged.ts";

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

/** How often a tag is written again because others wrote it as well. */
const MAX_ATTEMPTS = 20;

/** The longest pause of a writer that was in another's way for the first time, in milliseconds. */
const FIRST_PAUSE = 20;

/** A blob that is to be pushed. */
interface Blob {
  descriptor: Descriptor;
  bytes: Uint8Array;
}

/** A manifest that is to be pushed, with the blobs that come first. */
interface Draft {
  json: Record<string, unknown>;
  blobs: readonly Blob[];
  /** What the tag has to stand for, if there is one. */
  replaces?: Digest | null;
}

/**
 * Attaches an artifact to an image: as a manifest whose `subject` is the image, or, where it has a tag, by that tag. What has been attached
 * by the same tag stays: the layers come behind those that are there, also where others attach at the same time. What is there already
 * to the letter is not attached again.
 *
 * @returns the manifest that has it
 * @throws {SatchelError} `invalid` if the artifact's tag is none or stands for something else, or if too much is attached by it;
 *   `content-lost` if others kept on writing; whatever source and target throw
 */
export async function attachArtifact(to: AttachTo, artifact: Artifact, signal?: AbortSignal): Promise<Descriptor> {
  const { tag } = artifact;
  if (tag !== undefined && !isTag(tag)) throw new SatchelError("invalid", `"${tag}" is no tag`);
  await to.target.prepare({ signal });
  for (let attempt = 1;; attempt++) {
    try {
      return await (tag === undefined ? attachReferrer(to, artifact, signal) : attachByTag(to, artifact, tag, signal));
    } catch (error) {
      if (!hasCode(error, "content-lost") || attempt === MAX_ATTEMPTS) throw error;
    }
    await pause(FIRST_PAUSE * attempt * Math.random(), signal);
  }
}

async function attachReferrer(to: AttachTo, artifact: Artifact, signal?: AbortSignal): Promise<Descriptor> {
  const { mediaType, digest, size } = to.subject;
  const config = artifact.config ? blobOf(artifact.config) : blobFrom(EMPTY.mediaType, EMPTY.bytes);
  const layers = artifact.layers.map(blobOf);
  const json = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    artifactType: artifact.artifactType,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    subject: { mediaType, digest, size },
    ...(artifact.annotations && { annotations: artifact.annotations }),
  };
  return await put(to, { json, blobs: [config, ...layers] }, undefined, signal);
}

async function attachByTag(
  to: AttachTo,
  artifact: Artifact,
  tag: string,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const before = await readTagged(to.source, tag, signal);
  const layers = artifact.layers.map(blobOf).filter((layer) => !hasLayer(before, layer));
  if (before?.manifest && layers.length === 0) {
    const { descriptor } = await to.source.resolve(tag, { signal });
    return descriptor;
  }
  const draft = before?.manifest
    ? await extended(to.source, { ...before.manifest, digest: before.digest }, layers, signal)
    : firstByTag(artifact, layers, before?.digest ?? null);
  return await put(to, draft, tag, signal);
}

function firstByTag(artifact: Artifact, layers: readonly Blob[], replaces: Digest | null): Draft {
  const config = artifact.config
    ? blobOf(artifact.config)
    : blobFrom(TAGGED_CONFIG_TYPE, taggedConfig(layers.map(({ descriptor }) => descriptor.digest)));
  const json = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(artifact.annotations && { annotations: artifact.annotations }),
  };
  return { json, blobs: [config, ...layers], replaces };
}

/** Members that a manifest has stay, whatever wrote it. */
async function extended(
  source: Source,
  before: NonNullable<Tagged["manifest"]> & { digest: Digest },
  layers: readonly Blob[],
  signal: AbortSignal | undefined,
): Promise<Draft> {
  const added = layers.map(({ descriptor }) => descriptor);
  const bytes = await extendedConfig(source, before, added.map(({ digest }) => digest), signal);
  const config = bytes && blobFrom(before.config.mediaType, bytes);
  const json = {
    ...before.json,
    ...(config && { config: config.descriptor }),
    layers: [...before.layers, ...added],
  };
  return { json, blobs: config ? [config, ...layers] : layers, replaces: before.digest };
}

/** A signature may be nothing but an annotation of the payload that it is for. */
function hasLayer(before: Tagged | undefined, { descriptor }: Blob): boolean {
  return before?.manifest?.layers.some((layer) => isDeepStrictEqual(layer, descriptor)) ?? false;
}

async function put(
  { target, subject }: AttachTo,
  { json, blobs, replaces }: Draft,
  tag: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(encodeGoJson(json));
  if (bytes.length > MAX_MANIFEST_SIZE) throw tooLarge(`what is attached to ${subject.digest}`, bytes.length);
  const mediaType = typeof json.mediaType === "string" ? json.mediaType : MediaType.ociManifest;
  const descriptor: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  for (const blob of blobs) await target.push(blob.descriptor, contentOf(blob.bytes), { signal });
  await target.push(descriptor, contentOf(bytes), { signal });
  await target.commit({
    manifests: [{ descriptor, ...(tag === undefined && { subject }) }],
    blobs: blobs.map((blob) => blob.descriptor),
    names: tag === undefined ? [] : [{ tag, descriptor, bytes, ...(replaces !== undefined && { replaces }) }],
  }, { signal });
  return descriptor;
}

function blobOf({ mediaType, data, annotations }: ArtifactLayer): Blob {
  return blobFrom(mediaType, Buffer.from(data, "base64"), annotations);
}

function blobFrom(mediaType: string, bytes: Uint8Array, annotations?: Annotations): Blob {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length, ...(annotations && { annotations }) };
  return { descriptor, bytes };
}
