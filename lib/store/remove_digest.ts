import { attachmentSubject, type ContentOptions } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import type { Digest, Reference } from "../oci/mod.ts";
import { withoutNames } from "./entries.ts";
import { manifestReader, walkInTurns } from "./graph.ts";
import { changeIndex, type IndexEntry, readIndex } from "./index_file.ts";
import { statOf } from "../files/mod.ts";
import { blobPath, type Layout } from "./layout.ts";
import { ofRepository } from "./names.ts";
import { deleteBlobs, saveAndDelete, takenByImage } from "./remove.ts";

/**
 * Takes away all names that a manifest has in a repository, and with its last name anywhere the manifest itself, as
 * {@link removeImage} does. One that has no name anywhere belongs to whatever repository is asked.
 *
 * @returns whether it was there
 * @throws {SatchelError} `refused` if it would lose its last name, and another manifest needs it: nothing is changed then; `busy`,
 *   `invalid`, `storage`, `cancelled`
 */
export async function removeManifest(
  layout: Layout,
  repository: Reference,
  digest: Digest,
  { signal }: ContentOptions = {},
): Promise<boolean> {
  // So that one that is not there creates no store.
  if (entriesOf((await readIndex(layout, signal)).entries, digest).length === 0) return false;
  return changeIndex(layout, signal, async ({ index, save }) => {
    const entries = entriesOf(index.entries, digest);
    const names = namesIn(entries, repository);
    const isNamed = entries.some(({ name }) => name !== undefined);
    if (entries.length === 0 || (isNamed && names.size === 0)) return false;
    const left = withoutNames(index.entries, names);
    if (entriesOf(left, digest).some(({ name }) => name !== undefined)) {
      save(left);
      return true;
    }
    // Without its own entry it is no referrer any more, which its subject would hold.
    const others = left.filter(({ descriptor }) => descriptor?.digest !== digest);
    const { kept, dead } = await takenByImage(others, entries[0].descriptor!, manifestReader(layout, signal));
    if (dead.every((node) => node.digest !== digest)) {
      throw new SatchelError("refused", `${digest} is not removed: another manifest needs it`);
    }
    saveAndDelete(layout, () => save(kept), dead.map((node) => node.digest));
    return true;
  });
}

function entriesOf(entries: readonly IndexEntry[], digest: Digest): IndexEntry[] {
  return entries.filter(({ descriptor }) => descriptor?.digest === digest);
}

/** The tags of attachments are kept without a repository, so they are of all. */
function namesIn(entries: readonly IndexEntry[], repository: Reference): Set<string> {
  const attachments = entries.filter(({ name }) => name !== undefined && attachmentSubject(name));
  return new Set([...ofRepository(entries, repository), ...attachments].map(({ name }) => name!));
}

/**
 * Removes a blob that no listed manifest needs.
 *
 * @returns whether it was there
 * @throws {SatchelError} `refused` if one needs it, `busy`, `invalid`, `storage`, `cancelled`
 */
export async function removeBlob(
  layout: Layout,
  digest: Digest,
  { signal }: ContentOptions = {},
): Promise<boolean> {
  if (!statOf(blobPath(layout, digest))) return false;
  return changeIndex(layout, signal, async ({ index: { entries } }) => {
    // What refers to another is listed itself, so there is nothing to be found beside.
    const listed = entries.flatMap(({ descriptor }) => descriptor ?? []);
    for await (const { descriptor } of walkInTurns(listed, manifestReader(layout, signal))) {
      if (descriptor.digest !== digest) continue;
      throw new SatchelError("refused", `${digest} is not removed: a manifest needs it`);
    }
    return deleteBlobs(layout, [digest]).blobs > 0;
  });
}
