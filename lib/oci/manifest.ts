import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { type Annotations, type Descriptor, parseAnnotations, parseDescriptor, plainDescriptor } from "./descriptor.ts";
import { isJsonObject, type JsonObject, parseJson } from "./json.ts";
import { type ManifestKind, manifestKind, MediaType } from "./media_types.ts";

/** The largest manifest that satchel reads, in bytes; registries are asked to accept no less (distribution-spec 1.1, "Pushing Manifests"). */
export const MAX_MANIFEST_SIZE = 4 * 1024 * 1024;

/** The most entries one manifest may list; real ones have a few hundred. */
export const MAX_CHILDREN = 10_000;

/** How much of a value is shown in an error, in UTF-16 units. */
const MAX_SHOWN = 100;

/** What satchel needs to know of any manifest, whatever its media type. */
export interface Manifest {
  kind: ManifestKind;
  mediaType: string;
  /** Everything that the manifest points to, in its own order: an index's manifests; an image's config, then its layers. */
  children: Descriptor[];
  /** What this manifest refers to: it is a referrer of it (image-spec 1.1, manifest.md, `subject`). */
  subject?: Descriptor;
  /** Its own `artifactType`, or else the media type of its config. */
  artifactType?: string;
  annotations: Annotations;
}

/**
 * Reads a manifest that came from outside. Its shape must be the one that its media type announces; one that could be
 * read in two ways is refused (CVE-2021-41190).
 *
 * @param bytes the manifest, not yet trusted
 * @param mediaType what a descriptor or a `Content-Type` says it is
 * @param what what the bytes are, for the error text
 * @throws {SatchelError} `invalid`
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, what: string): Manifest {
  return checkManifest(parseManifestJson(bytes, what), mediaType, what);
}

/**
 * The first half of {@link parseManifest}: a manifest's bytes as JSON, none of which is checked yet.
 *
 * @throws {SatchelError} `invalid` if it is too large or not a JSON object
 */
export function parseManifestJson(bytes: Uint8Array, what: string): JsonObject {
  if (bytes.length > MAX_MANIFEST_SIZE) throw tooLarge(what, bytes.length);
  const json = parseJson(bytes, what);
  if (!isJsonObject(json)) throw new SatchelError("invalid", `${what} is not a JSON object`);
  return json;
}

/**
 * The second half of {@link parseManifest}: checks what {@link parseManifestJson} gave.
 *
 * @throws {SatchelError} `invalid`
 */
export function checkManifest(json: JsonObject, mediaType: string, what: string): Manifest {
  const kind = manifestKind(mediaType);
  if (!kind) throw unsupportedType(mediaType, what);
  checkShape(json, kind, mediaType, what);
  const manifest: Manifest = {
    kind,
    mediaType,
    children: readChildren(json, kind, what),
    annotations: parseAnnotations(json.annotations) ?? {},
  };
  if (json.subject !== undefined && json.subject !== null) {
    manifest.subject = parseDescriptor(json.subject, `the subject of ${what}`);
  }
  const artifactType = readArtifactType(json);
  if (artifactType) manifest.artifactType = artifactType;
  return manifest;
}

/**
 * A referrer as lists have it: its descriptor with the type and the annotations of its manifest (distribution-spec 1.1,
 * "Listing Referrers").
 */
export function referrerDescriptor(descriptor: Descriptor, { artifactType, annotations }: Manifest): Descriptor {
  const listed = plainDescriptor(descriptor);
  if (Object.keys(annotations).length > 0) listed.annotations = annotations;
  if (artifactType) listed.artifactType = artifactType;
  return listed;
}

/** The error for a manifest, or another text, of more bytes than are read of it. */
export function tooLarge(what: string, size: number, limit: number = MAX_MANIFEST_SIZE): SatchelError {
  return new SatchelError("invalid", `${what} is too large: ${size} bytes, the limit is ${limit}`);
}

/**
 * What a manifest says that it is, or else looks like: OCI's need not name their type (image-spec 1.1, manifest.md,
 * `mediaType`), Docker's must.
 */
export function ownMediaType(json: JsonObject): string {
  if (typeof json.mediaType === "string") return json.mediaType;
  return json.manifests === undefined ? MediaType.ociManifest : MediaType.ociIndex;
}

function unsupportedType(mediaType: string, what: string): SatchelError {
  if (mediaType === MediaType.dockerSchema1 || mediaType === MediaType.dockerSchema1Signed) {
    return new SatchelError("invalid", `${what} is in Docker's old schema 1, which is not supported`, {
      hint: "Push the image again with a current tool; that converts it.",
    });
  }
  return new SatchelError("invalid", `${what} is not a manifest: its media type is ${shown(mediaType)}`);
}

/** A value from outside, in an error text. */
function shown(value: unknown): string {
  return printable(JSON.stringify(value), MAX_SHOWN);
}

function checkShape(json: JsonObject, kind: ManifestKind, mediaType: string, what: string): void {
  if (json.mediaType !== undefined && json.mediaType !== mediaType) {
    throw new SatchelError(
      "invalid",
      `${what} was announced as ${mediaType} but says that it is ${shown(json.mediaType)}`,
    );
  }
  if (json.schemaVersion === 1) throw unsupportedType(MediaType.dockerSchema1, what);
  const isIndexLike = json.manifests !== undefined;
  const isImageLike = json.layers !== undefined || json.config !== undefined;
  const contradicts = kind === "index" ? isImageLike : isIndexLike;
  if (contradicts) {
    throw new SatchelError("invalid", `${what} is a ${mediaType} but has the members of another kind of manifest`);
  }
}

function readChildren(json: JsonObject, kind: ManifestKind, what: string): Descriptor[] {
  if (kind === "index") return readList(json, "manifests", what);
  if (kind === "artifact") return readList(json, "blobs", what);
  return [parseDescriptor(json.config, `the config of ${what}`), ...readList(json, "layers", what)];
}

function readList(json: JsonObject, member: string, what: string): Descriptor[] {
  const list = json[member] ?? [];
  if (!Array.isArray(list)) throw new SatchelError("invalid", `${what}: ${member} is not a list`);
  if (list.length > MAX_CHILDREN) {
    throw new SatchelError("invalid", `${what} lists ${list.length} ${member}, the limit is ${MAX_CHILDREN}`);
  }
  return list.map((entry, index) => parseDescriptor(entry, `${member}[${index}] of ${what}`));
}

function readArtifactType(json: JsonObject): string | undefined {
  if (typeof json.artifactType === "string" && json.artifactType !== "") return json.artifactType;
  if (!isJsonObject(json.config)) return undefined;
  return typeof json.config.mediaType === "string" ? json.config.mediaType : undefined;
}
