import { Verifier } from "../content/mod.ts";
import { hasCode } from "../error.ts";
import { type Descriptor, type Digest, MAX_MANIFEST_SIZE, parseManifest } from "../oci/mod.ts";
import { Catalog } from "./catalog.ts";
import type { ArchiveStream, OpenOptions } from "./files.ts";
import {
  checkLayoutFile,
  digestOfPath,
  INDEX_FILE,
  LAYOUT_FILE,
  MAX_INDEX_SIZE,
  MAX_LAYOUT_SIZE,
  parseIndexFile,
} from "./layout.ts";
import { readSmall } from "./bytes/read_small.ts";

/** The most bytes of manifests that are kept in memory; of more, the archive is written to disk first. */
const MAX_MANIFESTS = 32 * 1024 * 1024;

/** What stands at the start of a stream. */
export interface Ahead {
  catalog: Catalog;
  /** The manifests. */
  bytes: ReadonlyMap<Digest, Uint8Array>;
}

/**
 * Reads the list of a stream and all manifests, and stops before the first other blob.
 *
 * @returns `undefined` if the archive is not in this order, so that it cannot be read in one pass
 * @throws {SatchelError} `invalid`, and whatever the stream throws
 */
export async function readAhead(stream: ArchiveStream, options: OpenOptions): Promise<Ahead | undefined> {
  const catalog = await readList(stream, options);
  return catalog && await readManifests(stream, catalog, options);
}

async function readList(stream: ArchiveStream, options: OpenOptions): Promise<Catalog | undefined> {
  let index: Uint8Array | undefined;
  let hasLayout = false;
  while (!index || !hasLayout) {
    const file = await stream.next(options);
    if (file?.path === LAYOUT_FILE) {
      const what = `${LAYOUT_FILE} of ${stream.name}`;
      checkLayoutFile(await readSmall(file, MAX_LAYOUT_SIZE, what, options), what);
      hasLayout = true;
    } else if (file?.path === INDEX_FILE) {
      index = await readSmall(file, MAX_INDEX_SIZE, `${INDEX_FILE} of ${stream.name}`, options);
    } else return undefined;
  }
  return new Catalog(parseIndexFile(index, `${INDEX_FILE} of ${stream.name}`));
}

async function readManifests(
  stream: ArchiveStream,
  catalog: Catalog,
  options: OpenOptions,
): Promise<Ahead | undefined> {
  const bytes = new Map<Digest, Uint8Array>();
  const expected = new Map(catalog.manifests().map((each) => [each.digest, each]));
  let total = 0;
  while (expected.size > 0) {
    const file = await stream.next(options);
    if (!file) break;
    const digest = digestOfPath(file.path);
    if (!digest) continue;
    const descriptor = expected.get(digest);
    total += file.size;
    if (!descriptor || file.size > MAX_MANIFEST_SIZE || total > MAX_MANIFESTS) return undefined;
    expected.delete(digest);
    const content = await readSmall(file, MAX_MANIFEST_SIZE, digest, options);
    bytes.set(digest, content);
    for (const child of childrenOf(catalog, catalog.ofSize(descriptor, file.size), content)) {
      if (!bytes.has(child.digest)) expected.set(child.digest, child);
    }
  }
  return { catalog, bytes };
}

/** What is damaged says nothing of others; whoever wants to have it is told why. */
function childrenOf(catalog: Catalog, descriptor: Descriptor, content: Uint8Array): Descriptor[] {
  try {
    const verifier = new Verifier(descriptor);
    verifier.update(content);
    verifier.finish();
    return catalog.add(descriptor, parseManifest(content, descriptor.mediaType, descriptor.digest));
  } catch (error) {
    if (hasCode(error, "invalid") || hasCode(error, "integrity")) return [];
    throw error;
  }
}
