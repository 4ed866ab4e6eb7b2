import { childrenFor } from "../content/mod.ts";
import {
  type Descriptor,
  type Digest,
  formatPlatform,
  isForeignLayerType,
  isManifestType,
  type Platform,
  PLATFORMS_ANNOTATION,
} from "../oci/mod.ts";
import { hasSize } from "./blobs.ts";
import type { EntryList } from "./entries.ts";
import { type ManifestReader, sparsePlatforms } from "./graph.ts";
import { annotated, type EntryNamed, type IndexEntry } from "./index_file.ts";

/** Of an image for more platforms, only what its marks say is believed to be there: to look would take long. */
const MAX_PLATFORMS = 200;

/**
 * Puts a name on a manifest, as {@link EntryList.name}; what of an image for several platforms came for some of them only takes
 * nothing away from what is there. A mark says which platforms an image has, and is gone when it has all of them.
 *
 * @param reader made after the image's content was put into the store
 */
export function nameImage(list: EntryList, named: EntryNamed<string>, reader: ManifestReader): void {
  const before = list.find(named.name);
  list.name(withMark(named, marksTogether(before, named)));
  const sparse = list.ofDigest(named.raw.digest).filter((entry) => markOf(entry));
  if (sparse.length === 0 || !named.descriptor) return;
  const there = platformsThere(named.descriptor, reader);
  for (const entry of sparse) list.replace(entry, withMark(entry, there && [...markOf(entry)!, ...there]));
}

/** Of the same manifest under the same name: what either of them has. What was whole stays so, lest its damage be hidden. */
function marksTogether(before: IndexEntry | undefined, named: IndexEntry): string[] | undefined {
  const own = markOf(named);
  if (!own || !before?.descriptor || before.raw.digest !== named.raw.digest) return own;
  const old = markOf(before);
  return old && [...old, ...own];
}

function markOf({ descriptor }: IndexEntry): string[] | undefined {
  return descriptor && sparsePlatforms(descriptor)?.map(formatPlatform);
}

function withMark<Entry extends IndexEntry>(entry: Entry, platforms: readonly string[] | undefined): Entry {
  if (!platforms && !markOf(entry)) return entry;
  const text = platforms && [...new Set(platforms)].sort().join(",");
  return annotated(entry, PLATFORMS_ANNOTATION, text);
}

/**
 * The platforms of an image whose content is there, by the sizes of its files, whoever brought it.
 *
 * @returns `undefined` if nothing of it is missing
 */
function platformsThere(root: Descriptor, reader: ManifestReader): string[] | undefined {
  const blobs = new Map<Digest, boolean>();
  const hasBlob = (blob: Descriptor) => {
    const known = blobs.get(blob.digest) ?? hasSize(reader.layout, blob);
    blobs.set(blob.digest, known);
    return known;
  };
  const listed = new Map<string, Platform>();
  const note = (platform: Platform) => listed.set(formatPlatform(platform), platform);
  if (isThere(root, undefined, reader, hasBlob, note)) return undefined;
  if (listed.size > MAX_PLATFORMS) return [];
  return [...listed].filter(([, platform]) => isThere(root, [platform], reader, hasBlob)).map(([text]) => text);
}

/** Whether all that an image needs for some platforms is there. */
function isThere(
  root: Descriptor,
  platforms: readonly Platform[] | undefined,
  reader: ManifestReader,
  hasBlob: (blob: Descriptor) => boolean,
  onPlatform: (platform: Platform) => void = () => {},
): boolean {
  const seen = new Set<Digest>();
  const waiting = [root];
  let isWhole = true;
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (seen.has(next.digest) || isForeignLayerType(next.mediaType)) continue;
    seen.add(next.digest);
    const isManifest = isManifestType(next.mediaType);
    const { manifest } = isManifest ? reader.read(next) : {};
    isWhole &&= isManifest ? manifest !== undefined : hasBlob(next);
    if (manifest?.kind === "index") {
      // BuildKit's attestations stand there as for one that is unknown.
      for (const { platform } of manifest.children) if (platform && platform.os !== "unknown") onPlatform(platform);
    }
    if (manifest) waiting.push(...childrenFor(platforms, manifest));
  }
  return isWhole;
}
