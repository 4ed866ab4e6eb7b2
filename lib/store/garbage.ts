import type { Digest } from "../oci/mod.ts";
import { hasCode } from "../error.ts";
import { tryLockExisting } from "../runtime/mod.ts";
import { statOf } from "../files/mod.ts";
import { type ManifestReader, reachable } from "./graph.ts";
import type { IndexEntry } from "./index_file.ts";
import type { Layout } from "./layout.ts";
import { type EntryUse, listBlobFiles, listIngestFiles, type Survey } from "./survey.ts";

/** Something that {@link checkStore} found. */
export interface Finding {
  /**
   * Damage: `layout`, `index`, `entry` (one of the index), `missing`, `altered`, `unreadable` (a manifest of a kind
   * that satchel does not know). Garbage: `gone`, `orphan`, `untagged` (entries of the index), `stray` (a file that
   * nothing needs), `unfinished` (a part of a transfer), `unknown` (a file that is none of the store's, and stays).
   */
  kind:
    | ("layout" | "index" | "entry" | "missing" | "altered" | "unreadable")
    | ("gone" | "orphan" | "untagged" | "stray" | "unfinished" | "unknown");
  /** One sentence, with the file or the digest. */
  message: string;
  digest?: Digest;
  path?: string;
  /** The names that cannot be used because of it, as the store keeps them; for an attachment, those of its images. */
  images?: string[];
  /** What can be freed, for files that nothing needs. */
  bytes?: number;
}

/** What an entry is called that only takes up room. */
const GARBAGE_ENTRIES: { [use in EntryUse]?: { kind: Finding["kind"]; what: string } } = {
  gone: { kind: "gone", what: "is listed, but its manifest is missing or damaged, and no image needs it" },
  orphan: { kind: "orphan", what: "belongs to an image that is not there any more" },
  untagged: { kind: "untagged", what: "has no name" },
};

/** Lists what only takes up room. */
export async function findGarbage(
  layout: Layout,
  entries: readonly IndexEntry[],
  { uses, attachments }: Survey,
  reader: ManifestReader,
): Promise<Finding[]> {
  const findings = entries.flatMap((entry): Finding[] => {
    const garbage = GARBAGE_ENTRIES[uses.get(entry)!];
    if (!garbage || !entry.descriptor) return [];
    const { digest } = entry.descriptor;
    return [{ kind: garbage.kind, message: `${entry.name ?? digest} ${garbage.what}`, digest }];
  });
  const needed = await reachable(entries, reader, attachments);
  return [...findings, ...findStrayFiles(layout, needed), ...findUnfinished(layout)];
}

function findStrayFiles(layout: Layout, needed: ReadonlySet<Digest>): Finding[] {
  return [...listBlobFiles(layout)].flatMap((file): Finding[] => {
    if (file.digest === undefined) {
      return [{ kind: "unknown", message: `${file.path} is not a blob; gc leaves it alone`, path: file.path }];
    }
    if (needed.has(file.digest)) return [];
    const { digest, path, size } = file;
    return [{ kind: "stray", message: `${digest} is not needed by anything`, digest, path, bytes: size }];
  });
}

function findUnfinished(layout: Layout): Finding[] {
  return listIngestFiles(layout).filter(({ path }) => !isInUse(path)).map(({ path, size }) => ({
    kind: "unfinished",
    message: `${path} was left by a transfer that broke`,
    path,
    bytes: size,
  }));
}

function isInUse(path: string): boolean {
  try {
    using lock = tryLockExisting(path);
    return lock === undefined;
  } catch (error) {
    // Gone meanwhile, or not ours to open.
    if (!hasCode(error, "storage")) throw error;
    return statOf(path) === undefined;
  }
}
