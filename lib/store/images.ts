import { type ContentOptions, imageReference } from "../content/mod.ts";
import {
  compareBytes,
  CREATED_ANNOTATION,
  type Descriptor,
  type Digest,
  formatPlatform,
  isManifestType,
  type Manifest,
  matchesPlatform,
  MAX_MANIFEST_SIZE,
  parseJson,
  parsePlatform,
  plainDescriptor,
  type Platform,
  PLATFORMS_ANNOTATION,
  type Reference,
} from "../oci/mod.ts";
import { readBlob } from "./blobs.ts";
import { type ManifestReader, manifestReader, sparsePlatforms, walkInTurns } from "./graph.ts";
import { type IndexEntry, readIndex } from "./index_file.ts";
import type { Layout } from "./layout.ts";
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
  /** Each platform that it is for, once, in its own order; without those whose content was left out. */
  platforms: Platform[];
  /** The platforms that it is for as well, but whose content was left out. */
  leftOut: Platform[];
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
  const look: Look = { reader: manifestReader(layout, signal), summaries: new Map() };
  const images = entries.filter(isImage).sort((a, b) => compareBytes(a.name, b.name));
  const listed: StoredImage[] = [];
  for (const entry of images) listed.push(...await describe(entry, "image", look));
  return all ? [...listed, ...await listOthers(entries, look)] : listed;
}

/** What one listing has read and added up so far. */
interface Look {
  reader: ManifestReader;
  /** By the root. */
  summaries: Map<string, Summary>;
}

/** Attachments, and what `store gc --untagged` removes; not what is only a part of something else. */
async function listOthers(entries: readonly IndexEntry[], look: Look): Promise<StoredImage[]> {
  const { uses, attachments } = await surveyEntries(entries, look.reader);
  const found: StoredImage[] = [];
  for (const entry of entries) {
    const use = uses.get(entry);
    if (use === "image") continue;
    const subject = attachments.subjectOf(entry);
    if (subject) found.push(...(await describe(entry, "attachment", look)).map((image) => ({ ...image, subject })));
    else if (use === "untagged" || use === "gone") found.push(...await describe(entry, "untagged", look));
  }
  const order = (image: StoredImage) => `${image.kind} ${image.name ?? image.descriptor.digest}`;
  return found.sort((a, b) => compareBytes(order(a), order(b)));
}

async function describe(entry: IndexEntry, kind: StoredImage["kind"], look: Look): Promise<StoredImage[]> {
  if (!entry.descriptor) return [];
  const summary = await summarize(entry.descriptor, look);
  const image: StoredImage = { kind, ...summary, descriptor: plainDescriptor(entry.descriptor) };
  if (entry.name !== undefined) image.name = entry.name;
  const reference = entry.name === undefined ? undefined : imageReference(entry.name);
  if (reference) image.reference = reference;
  return [image];
}

type Summary = Pick<StoredImage, "state" | "created" | "platforms" | "leftOut" | "size" | "artifactType">;

/** The same manifest under many names is looked through once. */
async function summarize(root: Descriptor, { reader, summaries }: Look): Promise<Summary> {
  const { mediaType, digest, size, artifactType: ownType, platform, annotations } = root;
  const told = [CREATED_ANNOTATION, PLATFORMS_ANNOTATION].map((name) => annotations?.[name]);
  const key = JSON.stringify([mediaType, digest, size, ownType, platform, told]);
  const known = summaries.get(key);
  if (known) return known;
  const summary: Summary = { ...await measure(root, reader), platforms: [], leftOut: [] };
  const manifest = reader.read(root).manifest;
  const created = manifest && findCreated(manifest, reader) || root.annotations?.[CREATED_ANNOTATION];
  if (created) summary.created = created;
  const artifactType = manifest && findArtifactType(manifest, reader) || root.artifactType;
  if (artifactType) summary.artifactType = artifactType;
  const only = sparsePlatforms(root);
  for (const each of manifest ? findPlatforms(manifest, root, reader) : []) {
    const isThere = !only || only.some((one) => matchesPlatform(each, one));
    (isThere ? summary.platforms : summary.leftOut).push(each);
  }
  summaries.set(key, summary);
  return summary;
}

async function measure(root: Descriptor, reader: ManifestReader): Promise<Pick<StoredImage, "size" | "state">> {
  const found: Pick<StoredImage, "size" | "state"> = { state: "ok", size: 0 };
  const counted = new Set<Digest>();
  for await (const { descriptor, stored, isGuess } of walkInTurns([root], reader)) {
    if (isGuess) continue;
    if (!counted.has(descriptor.digest)) {
      counted.add(descriptor.digest);
      found.size += descriptor.size;
    }
    if (stored && stored.state !== "ok" && found.state === "ok") {
      found.state = stored.state === "missing" ? "missing" : "damaged";
    }
  }
  return found;
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
    const platform = parsePlatform(parseJson(bytes, config.digest));
    return platform && formatPlatform(platform) !== "/" ? platform : undefined;
  } catch {
    return undefined;
  }
}
