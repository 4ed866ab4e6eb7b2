import { encodeGoJson, isJsonObject, type JsonObject } from "./json.ts";

/** The members of a descriptor in the order of Go's struct. */
const MEMBER_ORDER = ["mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"];
const PLATFORM_ORDER = ["architecture", "os", "os.version", "os.features", "variant"];

/**
 * Writes the index.json of an image layout as `ig` does, byte for byte.
 *
 * @param members those beside `manifests`; of them, those that `ig` keeps
 * @param manifests in the order in which they shall stand; members that satchel does not know are kept
 */
export function encodeIndex(members: JsonObject, manifests: readonly JsonObject[]): string {
  const { schemaVersion, mediaType, annotations } = members;
  const encoded: JsonObject = { schemaVersion: schemaVersion ?? 2 };
  if (mediaType !== undefined) encoded.mediaType = mediaType;
  encoded.manifests = manifests.map(encodableEntry);
  if (isJsonObject(annotations)) encoded.annotations = sortedMembers(annotations);
  return encodeGoJson(encoded);
}

function encodableEntry(raw: JsonObject): JsonObject {
  const entry = reordered(raw, MEMBER_ORDER);
  if (isJsonObject(entry.annotations)) entry.annotations = sortedMembers(entry.annotations);
  if (isJsonObject(entry.platform)) entry.platform = reordered(entry.platform, PLATFORM_ORDER);
  return entry;
}

function reordered(object: JsonObject, order: readonly string[]): JsonObject {
  const known = order.filter((key) => Object.hasOwn(object, key));
  const unknown = Object.keys(object).filter((key) => !order.includes(key));
  return Object.fromEntries([...known, ...unknown].map((key) => [key, object[key]]));
}

function sortedMembers(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => compareBytes(a, b)));
}

/** Orders text by its UTF-8 bytes, as Go does; JavaScript's own order differs above U+D7FF. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = byteRank(a.charCodeAt(i)) - byteRank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Surrogates stand for characters above all others, U+E000 to U+FFFF below them. */
function byteRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
