import { rmSync } from "node:fs";
import { attachmentSubject, type Tally } from "../content/mod.ts";
import { type Descriptor, type Digest, isManifestType } from "../oci/mod.ts";
import { withoutNames } from "./entries.ts";
import { isDiskFull, onPath, statOf } from "../files/mod.ts";
import {
  type Attachments,
  findAttachments,
  type ManifestReader,
  manifestReader,
  reachable,
  walkInTurns,
} from "./graph.ts";
import { changeIndex, type IndexEntry, readIndex } from "./index_file.ts";
import { blobPath, type Layout } from "./layout.ts";
import { findOneEntry, type ImageName } from "./names.ts";

/** What {@link removeImage} did. */
export interface RemoveResult {
  digest: Digest;
  /** Every name that is gone, as the store kept it, those of attachments included. */
  names: string[];
  /** The manifests that are gone, attachments included. */
  manifests: Digest[];
  /** The files that are gone: manifests, configs, layers. */
  deleted: Tally;
}

/**
 * Takes a name away, and with the last one of an image the image itself: what it alone used, what refers to it, and
 * what that alone used. `name@digest` has to mean one name; which of several is meant is not guessed.
 *
 * The index is written first; files go after it, under its lock, and only if no entry that stays, named or not, needs
 * them. Content that another process has just stored and not yet named may be among them; its commit notices. On a full disk
 * the files go first, see {@link saveAndDelete}.
 *
 * @throws {SatchelError} `not-found`, `usage` if several names may be meant, `busy`, `invalid`, `storage`, `cancelled`
 */
export async function removeImage(layout: Layout, name: ImageName, signal?: AbortSignal): Promise<RemoveResult> {
  // So that a name that is not there creates no store.
  findOneEntry((await readIndex(layout, signal)).entries, name, layout.root);
  return changeIndex(layout, signal, async ({ index, save }) => {
    const { name: removed, descriptor: root, raw } = findOneEntry(index.entries, name, layout.root);
    const left = withoutNames(index.entries, new Set([removed!]));
    const hasOtherName = left.some((entry) => entry.name !== undefined && entry.raw.digest === raw.digest);
    if (!root || hasOtherName) {
      save(left);
      return {
        digest: String(raw.digest) as Digest,
        names: [removed!],
        manifests: [],
        deleted: { blobs: 0, bytes: 0 },
      };
    }
    const { kept, dead } = await takenByImage(left, root, manifestReader(layout, signal));
    const deleted = saveAndDelete(layout, () => save(kept), dead.map((node) => node.digest));
    const keptNames = new Set(kept.map((entry) => entry.name));
    const gone = index.entries.map((entry) => entry.name).filter((name) => name !== undefined && !keptNames.has(name));
    return {
      digest: root.digest,
      names: [...new Set(gone as string[])],
      manifests: dead.filter((node) => node.isManifest).map((node) => node.digest),
      deleted,
    };
  });
}

/** What an image takes with it when it goes, and what then stays listed. */
export async function takenByImage(
  entries: readonly IndexEntry[],
  root: Descriptor,
  reader: ManifestReader,
): Promise<{ kept: IndexEntry[]; dead: { digest: Digest; isManifest: boolean }[] }> {
  const attachments = await findAttachments(entries, reader);
  const taken = new Map<Digest, boolean>();
  for await (const { descriptor, isGuess } of walkInTurns([root], reader, attachments.of)) {
    if (!isGuess) taken.set(descriptor.digest, taken.get(descriptor.digest) || isManifestType(descriptor.mediaType));
  }
  const roots = entries.filter((entry) => isKeptAnyway(entry, taken, attachments));
  const alive = await reachable(roots, reader, attachments);
  const dead = [...taken].filter(([digest]) => !alive.has(digest));
  const isDead = new Set(dead.map(([digest]) => digest));
  return {
    kept: withoutDead(entries, isDead),
    dead: dead.map(([digest, isManifest]) => ({ digest, isManifest })),
  };
}

/**
 * Whether an entry stays whatever happens to the image: it has a name of its own, or has nothing to do with it.
 * Attachments follow their subject.
 */
function isKeptAnyway(entry: IndexEntry, taken: Map<Digest, boolean>, attachments: Attachments): boolean {
  if (!entry.descriptor) return false;
  const subject = attachments.subjectOf(entry);
  if (entry.name !== undefined && !attachmentSubject(entry.name)) return true;
  if (subject) return !taken.has(subject);
  return !taken.has(entry.descriptor.digest);
}

/** Leaves out what is dead, and the names of what belonged to it. */
function withoutDead(entries: readonly IndexEntry[], dead: ReadonlySet<Digest>): IndexEntry[] {
  const orphaned = entries.flatMap(({ name }) => {
    const subject = name === undefined ? undefined : attachmentSubject(name);
    return subject !== undefined && dead.has(subject) ? [name!] : [];
  });
  const others = withoutNames(entries, new Set(orphaned));
  return others.filter(({ descriptor }) => !descriptor || !dead.has(descriptor.digest));
}

/**
 * Makes what is left of an index count, and deletes what nothing needs any more. On a disk that has no room for an index, what is
 * removed has to make it: then the files go first, since nothing else could be removed either. If that is interrupted, the name is
 * still there, of an image that is damaged; removing it once more ends it.
 *
 * @throws {SatchelError} `storage`
 */
export function saveAndDelete(layout: Layout, save: () => void, dead: readonly Digest[]): Tally {
  try {
    save();
  } catch (error) {
    if (!isDiskFull(error) || dead.length === 0) throw error;
    const deleted = deleteBlobs(layout, dead);
    save();
    return deleted;
  }
  return deleteBlobs(layout, dead);
}

/**
 * Deletes blobs that are there; call it under the index lock.
 *
 * @throws {SatchelError} `storage`
 */
export function deleteBlobs(layout: Layout, digests: readonly Digest[]): Tally {
  let blobs = 0;
  let bytes = 0;
  for (const digest of digests) {
    const path = blobPath(layout, digest);
    const stat = statOf(path);
    if (!stat || stat.isDirectory()) continue;
    onPath("remove", path, () => rmSync(path, { force: true }));
    blobs++;
    bytes += stat.size;
  }
  return { blobs, bytes };
}
