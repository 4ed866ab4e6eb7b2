import {
  type Annotations,
  compareBytes,
  CREATED_ANNOTATION,
  type Descriptor,
  digestOf,
  encodeGoJson,
  MediaType,
} from "../../oci/mod.ts";
import { GADGET_ARTIFACT_TYPE, GADGET_CONFIG_TYPE, LAYER_TYPES } from "../media_types.ts";
import { type Architecture, ARCHITECTURES } from "./architectures.ts";

/** What an image says its builder is; `ig` compares it with its own version when it runs a gadget. */
export const BUILDER_VERSION_ANNOTATION = "io.inspektor-gadget.builder.version";

/** What is for one architecture, as bytes: those of the layers that there are. */
export type ArchitectureParts = Partial<Readonly<Record<keyof typeof LAYER_TYPES, Uint8Array>>>;

/** A gadget.yaml, and those of its texts that become annotations of the image. */
export interface PackedMetadata {
  /** As the file has them; they become the config. */
  bytes: Uint8Array;
  name: string;
  description: string;
  homepageURL: string;
  documentationURL: string;
  sourceURL: string;
  /** In any order; of several with one key, the last one counts. */
  annotations: readonly (readonly [key: string, value: string])[];
}

/** All that a gadget's image is made of. */
export interface ImageParts {
  architectures: Readonly<Record<Architecture, ArchitectureParts>>;
  metadata: PackedMetadata | undefined;
  /** When it was made, RFC 3339; see `createdAt`. */
  created: string;
  /** See {@link BUILDER_VERSION_ANNOTATION}. */
  builderVersion: string;
}

/** A piece of content with its descriptor. */
export interface PackedContent {
  descriptor: Descriptor;
  bytes: Uint8Array;
}

/** An image, whole, each piece of content once. */
export interface PackedImage {
  /** What the image's digest is of. */
  index: PackedContent;
  manifests: PackedContent[];
  /** Configs and layers. */
  blobs: PackedContent[];
}

/**
 * Makes the image of a gadget: an index with a manifest for each architecture, to the byte as `ig image build` makes it of the
 * same parts.
 */
export function packGadget({ architectures, metadata, created, builderVersion }: ImageParts): PackedImage {
  const annotations = encodedAnnotations(annotationsOf(metadata, created, builderVersion));
  const blobs: PackedContent[] = [];
  const add = (mediaType: string, bytes: Uint8Array): string => {
    const content = contentOf(mediaType, bytes);
    blobs.push(content);
    return encodedDescriptor(content.descriptor);
  };
  const config = metadata
    ? withMembers(add(GADGET_CONFIG_TYPE, metadata.bytes), { annotations })
    : withMembers(add(MediaType.empty, encode("{}")), {
      annotations: encodedAnnotations({ [CREATED_ANNOTATION]: created }),
      data: '"e30="',
    });
  const manifests = ARCHITECTURES.map((architecture) => {
    const layers = LAYER_NAMES.flatMap((name) => {
      const bytes = architectures[architecture][name];
      return bytes ? [add(LAYER_TYPES[name], bytes)] : [];
    });
    return contentOf(MediaType.ociManifest, encode(manifestOf({ config, layers, annotations })));
  });
  const entries = manifests.map(({ descriptor }, at) =>
    withMembers(encodedDescriptor(descriptor), {
      annotations,
      platform: encodeGoJson({ architecture: ARCHITECTURES[at], os: "linux" }),
    })
  );
  const index = contentOf(MediaType.ociIndex, encode(indexOf(entries, annotations)));
  return { index, manifests: once(manifests), blobs: once(blobs) };
}

const LAYER_NAMES = ["ebpf", "wasm", "btfgen"] as const;

function annotationsOf(
  metadata: PackedMetadata | undefined,
  created: string,
  builderVersion: string,
): Annotations {
  if (!metadata) return { [CREATED_ANNOTATION]: created };
  const own = Object.fromEntries([
    [BUILDER_VERSION_ANNOTATION, builderVersion],
    ["org.opencontainers.image.description", metadata.description],
    ["org.opencontainers.image.documentation", metadata.documentationURL],
    ["org.opencontainers.image.source", metadata.sourceURL],
    ["org.opencontainers.image.title", metadata.name],
    ["org.opencontainers.image.url", metadata.homepageURL],
    ...metadata.annotations,
  ]);
  return { ...own, [CREATED_ANNOTATION]: created };
}

/** Sorted by the bytes of the keys. Not by `JSON.stringify`, which would put keys that are numbers first, in an order of their own. */
function encodedAnnotations(annotations: Annotations): string {
  const members = Object.entries(annotations).sort(([a], [b]) => compareBytes(a, b));
  return `{${members.map(([key, value]) => `${encodeGoJson(key)}:${encodeGoJson(value)}`).join(",")}}`;
}

function encodedDescriptor({ mediaType, digest, size }: Descriptor): string {
  return encodeGoJson({ mediaType, digest, size });
}

/** Adds members, which are JSON already, behind the last one of an object. */
function withMembers(object: string, members: Readonly<Record<string, string>>): string {
  const more = Object.entries(members).map(([key, value]) => `,"${key}":${value}`);
  return `${object.slice(0, -1)}${more.join("")}}`;
}

/** `ig` writes no mediaType here. */
function manifestOf(
  { config, layers, annotations }: { config: string; layers: string[]; annotations: string },
): string {
  return `{"schemaVersion":2,"artifactType":"${GADGET_ARTIFACT_TYPE}","config":${config},` +
    `"layers":[${layers.join(",")}],"annotations":${annotations}}`;
}

function indexOf(entries: string[], annotations: string): string {
  return `{"schemaVersion":2,"mediaType":"${MediaType.ociIndex}",` +
    `"manifests":[${entries.join(",")}],"annotations":${annotations}}`;
}

function contentOf(mediaType: string, bytes: Uint8Array): PackedContent {
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

function once(contents: readonly PackedContent[]): PackedContent[] {
  return [...new Map(contents.map((content) => [content.descriptor.digest, content])).values()];
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
