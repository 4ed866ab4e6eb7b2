import { rmSync } from "node:fs";
import type { ContentOptions, Tally } from "../content/mod.ts";
import type { Digest } from "../oci/mod.ts";
import { tryLockExisting } from "../runtime/mod.ts";
import { withUntagged } from "./entries.ts";
import { onPath, statOf } from "../files/mod.ts";
import { type ManifestReader, manifestReader, reachable } from "./graph.ts";
import { changeIndex, type IndexEntry, renamed } from "./index_file.ts";
import { type Layout, storeExists } from "./layout.ts";
import { deleteBlobs } from "./remove.ts";
import {
  type BlobFile,
  type EntryUse,
  listBlobFiles,
  listIngestFiles,
  type StoreFile,
  surveyEntries,
} from "./survey.ts";

/** How young a file may be and still be left alone, in milliseconds, if nothing else is said. */
export const DEFAULT_MIN_AGE = 60 * 60 * 1000;

/** Options of {@link collectGarbage}. */
export interface GcOptions extends ContentOptions {
  /**
   * Files younger than this stay, in milliseconds: another process may be about to name them. Default:
   * {@link DEFAULT_MIN_AGE}. With 0, a pull that is under way may have to fetch once more what is collected.
   */
  minAge?: number;
  /** Images without a name go as well. Default: false. */
  untagged?: boolean;
  /** Only tell what would go. Default: false. */
  dryRun?: boolean;
}

/** What {@link collectGarbage} removed, or would remove. */
export interface GcReport {
  /** Entries of the index: without a manifest, attachments of nothing, and (if asked for) images without a name. */
  entries: { gone: number; orphans: number; untagged: number };
  /** Blobs that nothing needs. */
  deleted: Tally;
  /** Parts of blobs, left by transfers that nobody goes on with. */
  ingest: Tally;
  /** Blobs, and parts of blobs, that nothing needs either, but that are too young. */
  young: Tally;
}

/**
 * Removes what no image needs. All of it happens under the index lock, so that no commit can come in between; what a
 * living process is writing is locked by that and stays, whatever its age.
 *
 * @throws {SatchelError} `busy`, `invalid`, `storage`, `cancelled`
 */
export async function collectGarbage(layout: Layout, options: GcOptions = {}): Promise<GcReport> {
  const report: GcReport = {
    entries: { gone: 0, orphans: 0, untagged: 0 },
    deleted: { blobs: 0, bytes: 0 },
    ingest: { blobs: 0, bytes: 0 },
    young: { blobs: 0, bytes: 0 },
  };
  if (!storeExists(layout)) return report;
  const { minAge = DEFAULT_MIN_AGE, dryRun = false } = options;
  const oldest = minAge > 0 ? Date.now() - minAge : Infinity;
  const isOld = (file: StoreFile) => {
    if (file.changed <= oldest) return true;
    add(report.young, file.size);
    return false;
  };
  return await changeIndex(layout, options.signal, async ({ index, save }) => {
    const reader = manifestReader(layout, options.signal);
    const { kept, alive, left } = await partition(reader, index.entries, options.untagged ?? false);
    report.entries = left;
    if (!dryRun && kept.length < index.entries.length) save(kept);
    const blobs = [...listBlobFiles(layout)].filter((file): file is BlobFile =>
      file.digest !== undefined && !alive.has(file.digest) && isOld(file)
    );
    for (const { size } of blobs) add(report.deleted, size);
    if (!dryRun) deleteBlobs(layout, blobs.map(({ digest }) => digest));
    for (const file of listIngestFiles(layout)) {
      if (isOld(file) && takeIngestFile(file, dryRun)) add(report.ingest, file.size);
    }
    return report;
  });
}

/** Parts what is listed into what stays, with all that it needs, and what goes, which is only counted. */
async function partition(
  reader: ManifestReader,
  entries: readonly IndexEntry[],
  withUntaggedImages: boolean,
): Promise<{ kept: IndexEntry[]; alive: Set<Digest>; left: GcReport["entries"] }> {
  const { uses, attachments } = await surveyEntries(entries, reader);
  const leaving = new Set<EntryUse>(["gone", "orphan"]);
  if (withUntaggedImages) leaving.add("untagged").add("untagged-part");
  const count = (use: EntryUse) => leaving.has(use) ? entries.filter((entry) => uses.get(entry) === use).length : 0;
  const left = { gone: count("gone"), orphans: count("orphan"), untagged: count("untagged") };
  const staying = entries.filter((entry) => !leaving.has(uses.get(entry)!));
  const isStaying = new Set(staying);
  const alive = await reachable(staying, reader, attachments);
  // The name of an attachment of nothing goes; what it stood for may still be a part of something else.
  const stillNeeded = entries.filter((entry) =>
    entry.descriptor && alive.has(entry.descriptor.digest) && !isStaying.has(entry)
  );
  const kept = withUntagged(staying, stillNeeded.map((entry) => renamed(entry, undefined)));
  return { kept, alive, left };
}

/** Removes a part of a transfer, unless the process that writes it lives. */
function takeIngestFile({ path }: StoreFile, dryRun: boolean): boolean {
  if (!statOf(path)) return false;
  using lock = tryLockExisting(path);
  if (!lock) return false;
  if (!dryRun) onPath("remove", path, () => rmSync(path, { force: true }));
  return true;
}

function add(tally: Tally, size: number): void {
  tally.blobs++;
  tally.bytes += size;
}
