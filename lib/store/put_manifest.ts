import { contentOf, type ContentOptions, type CopiedManifest } from "../content/mod.ts";
import { hasCode, SatchelError } from "../error.ts";
import {
  type Descriptor,
  type Digest,
  isForeignLayerType,
  isManifestType,
  type Manifest,
  parseManifest,
  plainDescriptor,
  type Reference,
} from "../oci/mod.ts";
import { hasSize, readBlob } from "./blobs.ts";
import { type ManifestReader, manifestReader } from "./graph.ts";
import { ingest } from "./ingest.ts";
import { createStore, type Layout } from "./layout.ts";
import type { RepositoryCommit } from "./repository.ts";

/** How often a manifest is looked into again because somebody removed something below it meanwhile. */
const MAX_ATTEMPTS = 5;

/** The most manifests, and the most blobs, that may be below one; what is there already was counted as well when it came. */
const MAX_BELOW = 100_000;

/** A manifest that somebody pushes. */
export interface PushedManifest {
  descriptor: Descriptor;
  /** What the digest of the descriptor names: that was checked. */
  bytes: Uint8Array;
  /** Those that it gets; without any it is listed without a name. */
  tags: readonly string[];
}

/** Options of {@link putManifest}. */
export interface PutManifestOptions extends ContentOptions {
  /** Whether a blob that lies there with the right size is known to have other bytes: then it is missing. Default: none is. */
  isDamaged?: (digest: Digest) => boolean;
}

/** All that a manifest needs. */
interface Below {
  manifests: CopiedManifest[];
  blobs: Descriptor[];
  missing: Descriptor[];
}

/**
 * Takes in a manifest whose parts are there already, and everything below them; layers that must stay elsewhere are not asked
 * for, nor is the subject. When it returns, all of it survives a power failure.
 *
 * @param takeCommit made by {@link sharedCommits}
 * @returns what it needs and is not there: then nothing was taken in
 * @throws {SatchelError} `invalid` if it is no manifest, or one below it is none; `content-lost` if others remove what it needs
 *   again and again; `busy`, `storage`, `cancelled`
 */
export async function putManifest(
  layout: Layout,
  repository: Reference,
  { descriptor, bytes, tags }: PushedManifest,
  takeCommit: (commit: RepositoryCommit) => Promise<void>,
  { signal, isDamaged = () => false }: PutManifestOptions = {},
): Promise<Descriptor[]> {
  const manifest = parseManifest(bytes, descriptor.mediaType, "the manifest");
  await notTheManifest(createStore(layout, signal));
  for (let attempt = 1;; attempt++) {
    const { manifests, blobs, missing } = await findBelow(manifest, manifestReader(layout, signal), isDamaged);
    if (missing.length > 0) return missing;
    if (readBlob(layout, descriptor).state !== "ok") await ingest(layout, descriptor, contentOf(bytes), { signal });
    const root: CopiedManifest = { descriptor: plainDescriptor(descriptor), subject: manifest.subject };
    const names = tags.map((tag) => ({ tag, descriptor, bytes }));
    try {
      const commit = { manifests: [...manifests, root], blobs, names };
      await notTheManifest(takeCommit({ repository, commit }));
      return [];
    } catch (error) {
      if (!hasCode(error, "content-lost") || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** A broken store is not the fault of who pushes. */
async function notTheManifest(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!hasCode(error, "invalid")) throw error;
    throw new SatchelError("storage", error.message, { hint: error.hint, cause: error });
  }
}

async function findBelow(
  root: Manifest,
  reader: ManifestReader,
  isDamaged: (digest: Digest) => boolean,
): Promise<Below> {
  const found: Below = { manifests: [], blobs: [], missing: [] };
  const seen = new Set<Digest>();
  const waiting = [root];
  for (let manifest = waiting.pop(); manifest; manifest = waiting.pop()) {
    for (const child of manifest.children) {
      const turn = reader.turn();
      if (turn) await turn;
      if (seen.has(child.digest) || isForeignLayerType(child.mediaType)) continue;
      seen.add(child.digest);
      if (seen.size > MAX_BELOW) {
        throw new SatchelError("invalid", `More than ${MAX_BELOW} parts are below the manifest`);
      }
      if (isManifestType(child.mediaType)) {
        const below = takeManifest(child, reader, found);
        if (below) waiting.push(below);
      } else {
        const isThere = hasSize(reader.layout, child) && !isDamaged(child.digest);
        (isThere ? found.blobs : found.missing).push(child);
      }
    }
  }
  return found;
}

/** Puts a manifest where it belongs. @returns what is in it, if it is there */
function takeManifest(child: Descriptor, reader: ManifestReader, { manifests, missing }: Below): Manifest | undefined {
  const { state, manifest } = reader.read(child);
  if (state === "invalid") throw new SatchelError("invalid", `${child.digest} below the manifest is no manifest`);
  if (manifest) manifests.push({ descriptor: child });
  else missing.push(child);
  return manifest;
}
