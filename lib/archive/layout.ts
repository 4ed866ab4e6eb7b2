import { attachmentSubject } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  hasMoreItems,
  hasMoreValues,
  isDigest,
  isJsonObject,
  parseAnnotations,
  parseDescriptor,
  parseJson,
  plainDescriptor,
  type Platform,
  readPlatform,
  REF_NAME_ANNOTATION,
} from "../oci/mod.ts";
import { printable } from "../printable.ts";
import { LEFT_OUT_ANNOTATION, PLATFORMS_ANNOTATION } from "./archive.ts";

/** Says that a folder is an image layout (image-spec 1.1, image-layout.md, "oci-layout file"). */
export const LAYOUT_FILE = "oci-layout";

/** Lists the manifests of a layout. */
export const INDEX_FILE = "index.json";

/** The largest `oci-layout` that is read, in bytes; it has 30. */
export const MAX_LAYOUT_SIZE = 64 * 1024;

/** The largest index.json that is read, in bytes; one of 5,000 names has about 5 MiB. */
export const MAX_INDEX_SIZE = 16 * 1024 * 1024;

/** The most entries that index.json may have; every image takes one for each platform and name. */
export const MAX_ENTRIES = 50_000;

/** The most values of any kind in it: what else may stand in it, as deep as it likes, is parsed as well. */
const MAX_VALUES = 1_000_000;

/** Where containerd keeps the full name beside a `ref.name` that is a bare tag. */
export const CONTAINERD_NAME_ANNOTATION = "io.containerd.image.name";

const LAYOUT_VERSION = "1.0.0";

/** An entry of index.json. */
export interface ListedManifest {
  /** Without what the list says of it. */
  descriptor: Descriptor;
  /** Exactly as it is written; never empty. */
  name?: string;
  containerdName?: string;
  /** Of a sparse image. */
  platforms?: readonly Platform[];
}

/** What index.json says. */
export interface IndexFile {
  listed: readonly ListedManifest[];
  /** See {@link LEFT_OUT_ANNOTATION}; 0 without it. */
  leftOut: number;
}

/** Path of a blob in a layout. */
export function layoutPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/** The digest that a path in a layout stands for; `undefined` if it is not that of a blob. */
export function digestOfPath(path: string): Digest | undefined {
  const [blobs, algorithm, hex, ...rest] = path.split("/");
  const digest = `${algorithm}:${hex}`;
  return blobs === "blobs" && rest.length === 0 && isDigest(digest) ? digest : undefined;
}

/**
 * Checks `oci-layout`.
 *
 * @param what for the error text
 * @throws {SatchelError} `invalid`, also for a version that is not known
 */
export function checkLayoutFile(bytes: Uint8Array, what: string): void {
  const json = parseJson(bytes, what);
  const version = isJsonObject(json) ? json.imageLayoutVersion : undefined;
  if (version === LAYOUT_VERSION) return;
  const found = version === undefined ? "has no version" : `has version ${printable(JSON.stringify(version), 100)}`;
  throw new SatchelError("invalid", `${what} ${found}; known is ${LAYOUT_VERSION}`);
}

/**
 * Reads index.json.
 *
 * @param what for the error text
 * @throws {SatchelError} `invalid`
 */
export function parseIndexFile(bytes: Uint8Array, what: string): IndexFile {
  if (hasMoreItems(bytes, MAX_ENTRIES)) {
    throw new SatchelError("invalid", `${what} has more than ${MAX_ENTRIES} entries, which is the limit`);
  }
  if (hasMoreValues(bytes, MAX_VALUES)) {
    throw new SatchelError("invalid", `${what} has more than ${MAX_VALUES} values, which is the limit`);
  }
  const json = parseJson(bytes, what);
  if (!isJsonObject(json)) throw new SatchelError("invalid", `${what} is not a JSON object`);
  if (json.schemaVersion !== undefined && json.schemaVersion !== 2) {
    const found = printable(JSON.stringify(json.schemaVersion), 100);
    throw new SatchelError("invalid", `${what} has schemaVersion ${found}, not 2`);
  }
  // Go writes an empty list as null.
  const list = json.manifests ?? [];
  if (!Array.isArray(list)) throw new SatchelError("invalid", `${what}: manifests is not a list`);
  const listed = list.map((entry: unknown, at) => parseEntry(entry, `manifests[${at}] of ${what}`));
  return { listed, leftOut: parseLeftOut(parseAnnotations(json.annotations)?.[LEFT_OUT_ANNOTATION], what) };
}

function parseLeftOut(text: string | undefined, what: string): number {
  if (text === undefined) return 0;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const found = printable(JSON.stringify(text), 100);
  throw new SatchelError("invalid", `${what}: ${LEFT_OUT_ANNOTATION} is ${found}, not a number of blobs`);
}

function parseEntry(value: unknown, what: string): ListedManifest {
  const descriptor = parseDescriptor(value, what);
  const {
    [REF_NAME_ANNOTATION]: name,
    [CONTAINERD_NAME_ANNOTATION]: containerdName,
    [PLATFORMS_ANNOTATION]: platforms,
  } = descriptor.annotations ?? {};
  const listed: ListedManifest = { descriptor: plainDescriptor(descriptor) };
  if (name) listed.name = name;
  if (containerdName) listed.containerdName = containerdName;
  if (platforms) listed.platforms = parsePlatforms(platforms, what);
  return listed;
}

function parsePlatforms(text: string, what: string): Platform[] {
  try {
    return text.split(",").map(readPlatform);
  } catch (cause) {
    const found = printable(JSON.stringify(text), 100);
    throw new SatchelError("invalid", `${what}: ${PLATFORMS_ANNOTATION} is ${found}, not a list of platforms`, {
      cause,
    });
  }
}

/**
 * The tag by which a name in a list ties its manifest to another one: cosign's (`sha256-<hex>.sig`) or the fallback tag,
 * bare or as part of a full name; `undefined` for the name of an image.
 */
export function attachmentTagOf(name: string): string | undefined {
  const tag = name.slice(name.lastIndexOf(":") + 1);
  return attachmentSubject(tag) ? tag : undefined;
}
