import type { ContentOptions } from "../content/mod.ts";
import {
  CREATED_ANNOTATION,
  type Descriptor,
  type Digest,
  isManifestType,
  type Manifest,
  MAX_MANIFEST_SIZE,
  parseJson,
  parsePlatform,
  plainDescriptor,
  type Platform,
  type Reference,
} from "../oci/mod.ts";
import { readBlob } from "./blobs.ts";
import { type ManifestReader, manifestReader, walkGraph } from "./graph.ts";
import { compareBytes, type IndexEntry, readIndex } from "./index_file.ts";
import type { Layout } from "./layout.ts";
import { referenceOf } from "./names.ts";
import { isImage, surveyEntries } from "./survey.ts";

/** An entry of the store, as lists show it. */
export interface StoredImage {
  /** As the store keeps it: a full reference, the bare tag of an attachment; `undefined` without a name. */
  name?: string;
  /** The name in its parts; `undefined` for bare tags, and for names that a tool with other rules has written. */
  reference?: Reference;
  /** `attachment`: it belongs to `subject`; `untagged`: a whole image that has lost its name, or never had one. */
  kind: "image" | "attachment" | "untagged";
  descriptor: Descriptor;
  /** `missing`, `damaged`: its manifest or one below is not there or has other bytes; `store check` looks at layers too. */
  state: "ok" | "missing" | "damaged";
  /** RFC 3339, as its maker wrote it, unchecked. */
  created?: string;
  /** Each platform that it is for, once, in its own order. */
  platforms: Platform[];
  /** Of everything that it needs, each digest once, in bytes, as the manifests say. */
  size: number;
  artifactType?: string;
  /** What an attachment belongs to. */
  subject?: Digest;
}

/** Options of {@link listImages}. */
export interface ListOptions extends ContentOptions {
  /** Attachments and images without a name as well. Default: false. */
  all?: boolean;
}

/**
 * Lists what is in a store: named images by the bytes of their names, then attachments, then what has no name. What is
 * damaged is listed as such.
 *
 * @throws {SatchelError} `invalid` if the index is broken, `storage`, `busy`, `cancelled`
 */
export async function listImages(layout: Layout, { all = false, signal }: ListOptions = {}): Promise<StoredImage[]> {
  const { entries } = await readIndex(layout, signal);
  const reader = manifestReader(layout);
  const images = entries.filter(isImage).sort((a, b) => compareBytes(a.name, b.name));
  const listed = images.flatMap((entry) => describe(entry, "image", reader));
  return all ? [...listed, ...listOthers(entries, reader)] : listed;
}

/** Attachments, and what `store gc --untagged` removes; not what is only a part of something else. */
function listOthers(entries: readonly IndexEntry[], reader: ManifestReader): StoredImage[] {
  const { uses, attachments } = surveyEntries(entries, reader);
  const found = entries.flatMap((entry) => {
    const use = uses.get(entry);
    if (use === "image") return [];
    const subject = attachments.subjectOf(entry);
    if (subject) return describe(entry, "attachment", reader).map((image) => ({ ...image, subject }));
    return use === "untagged" || use === "gone" ? describe(entry, "untagged", reader) : [];
  });
  const order = (image: StoredImage) => `${image.kind} ${image.name ?? image.descriptor.digest}`;
  return found.sort((a, b) => compareBytes(order(a), order(b)));
}

function describe(entry: IndexEntry, kind: StoredImage["kind"], reader: ManifestReader): StoredImage[] {
  if (!entry.descriptor) return [];
  const summary = summarize(entry.descriptor, reader);
  const image: StoredImage = { kind, ...summary, descriptor: plainDescriptor(entry.descriptor) };
  if (entry.name !== undefined) image.name = entry.name;
  const reference = entry.name === undefined ? undefined : referenceOf(entry.name);
  if (reference) image.reference = reference;
  return [image];
}

type Summary = Pick<StoredImage, "state" | "created" | "platforms" | "size" | "artifactType">;

function summarize(root: Descriptor, reader: ManifestReader): Summary {
  const summary: Summary = { state: "ok", platforms: [], size: 0 };
  const counted = new Set<Digest>();
  for (const { descriptor, stored, isGuess } of walkGraph([root], reader)) {
    if (isGuess) continue;
    if (!counted.has(descriptor.digest)) {
      counted.add(descriptor.digest);
      summary.size += descriptor.size;
    }
    if (stored && stored.state !== "ok" && summary.state === "ok") {
      summary.state = stored.state === "missing" ? "missing" : "damaged";
    }
  }
  const manifest = reader.read(root).manifest;
  const created = manifest && findCreated(manifest, reader) || root.annotations?.[CREATED_ANNOTATION];
  if (created) summary.created = created;
  const artifactType = manifest && findArtifactType(manifest, reader) || root.artifactType;
  if (artifactType) summary.artifactType = artifactType;
  summary.platforms = manifest ? findPlatforms(manifest, root, reader) : [];
  return summary;
}

/** Its own annotation, or that of its first part that has one; `ig` shows the one of the host's architecture. */
function findCreated(manifest: Manifest, reader: ManifestReader): string | undefined {
  const own = manifest.annotations[CREATED_ANNOTATION];
  if (own !== undefined || manifest.kind !== "index") return own;
  for (const child of manifest.children) {
    const inside = isManifestType(child.mediaType) ? reader.read(child).manifest?.annotations : undefined;
    const created = inside?.[CREATED_ANNOTATION] ?? child.annotations?.[CREATED_ANNOTATION];
    if (created !== undefined) return created;
  }
  return undefined;
}

function findArtifactType(manifest: Manifest, reader: ManifestReader): string | undefined {
  if (manifest.artifactType !== undefined || manifest.kind !== "index") return manifest.artifactType;
  for (const child of manifest.children) {
    const type = isManifestType(child.mediaType) ? reader.read(child).manifest?.artifactType : undefined;
    if (type !== undefined) return type;
  }
  return undefined;
}

function findPlatforms(manifest: Manifest, root: Descriptor, reader: ManifestReader): Platform[] {
  if (manifest.kind !== "index") {
    const platform = root.platform ?? platformOfConfig(manifest, reader.layout);
    return platform ? [platform] : [];
  }
  const platforms = new Map<string, Platform>();
  for (const { platform } of manifest.children) {
    // BuildKit hides its attestations in an index behind a platform of this name.
    if (platform && platform.os !== "unknown") platforms.set(JSON.stringify(platform), platform);
  }
  return [...platforms.values()];
}

/** A container image says in its config what it runs on (image-spec 1.1, config.md). */
function platformOfConfig({ kind, children }: Manifest, layout: Layout): Platform | undefined {
  const config = children[0];
  if (kind !== "image" || !/\.image(\.config)?\.v1\+json$/.test(config.mediaType)) return undefined;
  if (config.size > MAX_MANIFEST_SIZE) return undefined;
  const { bytes } = readBlob(layout, config);
  if (!bytes) return undefined;
  try {
    return parsePlatform(parseJson(bytes, config.digest));
  } catch {
    return undefined;
  }
}
