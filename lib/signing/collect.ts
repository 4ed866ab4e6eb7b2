import { Buffer } from "node:buffer";
import { type Attachment, attachmentLookUps, readVerified, type Source } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { type Descriptor, isManifestType, type Manifest, MAX_MANIFEST_SIZE, parseManifest } from "../oci/mod.ts";
import type { AttachedArtifact, PluginDescriptor } from "../plugin/contract.ts";

/** Content of what refers to an image that is larger, in bytes, is not read: no signature is. */
const MAX_LAYER_SIZE = 1024 * 1024;

/** How much of it is read in all, in bytes. */
const MAX_TOTAL_SIZE = 64 * 1024 * 1024;

/** How many manifests that refer to one image are looked at. */
const MAX_ARTIFACTS = 1000;

/** How much is fetched at most, in manifests and layers: one of each small enough would take as long as a registry likes. */
const MAX_FETCHES = 4000;

/** How many of them are read at the same time. */
const CONCURRENCY = 8;

/** Options of {@link collectArtifacts}. */
export interface CollectOptions {
  signal?: AbortSignal;
  /** Told what is there and could not be read, one sentence each: it may have been a signature. */
  onWarning?: (message: string) => void;
}

/**
 * Reads what refers to an image in its own repository: by its `subject`, by the tag that stands in for the referrers API, and by cosign's
 * tags. Digests and sizes of all content are checked. What refers to a referrer is not looked at.
 *
 * @throws {SatchelError} `invalid` if there are more than 1,000 or they have more than 64 MiB; whatever the source throws of the lists
 */
export async function collectArtifacts(
  source: Source,
  subject: Descriptor,
  options: CollectOptions = {},
): Promise<AttachedArtifact[]> {
  const { signal, onWarning } = options;
  const found = await Promise.all(attachmentLookUps(source, subject, { signal }).map((lookUp) => lookUp()));
  // What is tied to the image by a tag and by its subject is one thing, and the tag says more of it.
  const byDigest = new Map(found.flat().map((each) => [each.descriptor.digest, each]));
  if (byDigest.size > MAX_ARTIFACTS) {
    throw new SatchelError("invalid", `more than ${MAX_ARTIFACTS} manifests refer to ${subject.digest}`);
  }
  const reading: Reading = { left: MAX_TOTAL_SIZE, fetched: new Map() };
  const waiting = [...byDigest.values()];
  const artifacts = new Map<Attachment, AttachedArtifact>();
  const work = async () => {
    for (let each = waiting.pop(); each; each = waiting.pop()) {
      try {
        artifacts.set(each, await readArtifact(source, each, reading, signal));
      } catch (error) {
        if (!(error instanceof SatchelError) || signal?.aborted || reading.left < 0) throw error;
        onWarning?.(`What refers to the image could not be read: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return [...byDigest.values()].flatMap((each) => artifacts.get(each) ?? []);
}

/** What has been read of all that refers to one image. */
interface Reading {
  /** How much may still be read, in bytes. What is there several times counts each time: whoever judges it has it as often. */
  left: number;
  /** What was fetched, by digest and size: it may be the layer of thousands of signatures. */
  fetched: Map<string, Promise<Uint8Array>>;
}

async function readArtifact(
  source: Source,
  { descriptor, tag, bytes }: Attachment,
  reading: Reading,
  signal: AbortSignal | undefined,
): Promise<AttachedArtifact> {
  const read = async (content: Descriptor, limit: number) => {
    reading.left -= content.size;
    if (reading.left < 0) throw new SatchelError("invalid", "what refers to the image has more than 64 MiB");
    const key = `${content.digest} ${content.size}`;
    let fetched = reading.fetched.get(key);
    if (!fetched) {
      if (reading.fetched.size === MAX_FETCHES) {
        reading.left = -1;
        throw new SatchelError("invalid", `what refers to the image has more than ${MAX_FETCHES} manifests and layers`);
      }
      reading.fetched.set(key, fetched = readVerified(source.fetch(content, { signal }), content, limit));
    }
    return await fetched;
  };
  const content = bytes ?? await read(descriptor, MAX_MANIFEST_SIZE);
  const manifest = parseManifest(content, descriptor.mediaType, `manifest ${descriptor.digest}`);
  const layers: AttachedArtifact["layers"][number][] = [];
  for (const layer of layersOf(manifest)) {
    const isRead = layer.size <= MAX_LAYER_SIZE;
    layers.push({
      descriptor: plain(layer),
      ...(isRead && { data: base64(await read(layer, MAX_LAYER_SIZE)) }),
    });
  }
  return {
    descriptor: plain(descriptor),
    artifactType: manifest.artifactType ?? "",
    ...(tag !== undefined && { tag }),
    manifest: base64(content),
    layers,
  };
}

/** The layers of an image manifest, which come after its config; what is below an index is no content of its own. */
function layersOf({ kind, children }: Manifest): Descriptor[] {
  const content = kind === "image" ? children.slice(1) : children;
  return content.filter(({ mediaType }) => !isManifestType(mediaType));
}

function plain({ mediaType, digest, size }: Descriptor): PluginDescriptor {
  return { mediaType, digest, size };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
