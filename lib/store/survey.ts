import type { Stats } from "node:fs";
import { join } from "node:path";
import { attachmentSubject } from "../content/mod.ts";
import { type Digest, isDigest } from "../oci/mod.ts";
import { statOf } from "../files/mod.ts";
import { type Attachments, findAttachments, type ManifestReader, reachable, type Rooted } from "./graph.ts";
import type { IndexEntry } from "./index_file.ts";
import { type Layout, listFolder } from "./layout.ts";

/**
 * What an entry of the index is good for.
 *
 * - `image`: it has a name that a user gave
 * - `needed`: a part of such an image, or an attachment of one
 * - `untagged`: an image without a name
 * - `untagged-part`: a part of an image without a name, or an attachment of one
 * - `gone`: it has no name and nothing needs it, and its manifest is missing or damaged
 * - `orphan`: an attachment of something that is not there any more
 * - `unknown`: not a valid descriptor
 */
export type EntryUse = "image" | "needed" | "untagged" | "untagged-part" | "gone" | "orphan" | "unknown";

/** The index, looked through. */
export interface Survey {
  uses: Map<IndexEntry, EntryUse>;
  attachments: Attachments;
}

/** Tells what each entry of the index is good for. */
export async function surveyEntries(entries: readonly IndexEntry[], reader: ManifestReader): Promise<Survey> {
  const attachments = await findAttachments(entries, reader);
  const needed = await reachable(entries.filter(isImage), reader, attachments);
  const unneeded = entries.filter((entry) =>
    entry.descriptor && !needed.has(entry.descriptor.digest) && attachments.subjectOf(entry) === undefined &&
    isReadable(entry, reader)
  );
  const untagged = await reachable(unneeded, reader, attachments);
  const tied = [...new Map(unneeded.map((entry) => [entry.descriptor?.digest, entry])).values()]
    .flatMap((entry) => tiedTo(entry, reader, attachments));
  const parts = await reachable(tied, reader, attachments);
  const useOf = (entry: IndexEntry): EntryUse => {
    if (!entry.descriptor) return "unknown";
    if (isImage(entry)) return "image";
    const subject = attachments.subjectOf(entry);
    if (subject) return needed.has(subject) ? "needed" : untagged.has(subject) ? "untagged-part" : "orphan";
    const { digest } = entry.descriptor;
    if (needed.has(digest)) return "needed";
    if (parts.has(digest)) return "untagged-part";
    return isReadable(entry, reader) ? "untagged" : "gone";
  };
  return { uses: new Map(entries.map((entry) => [entry, useOf(entry)])), attachments };
}

/** An entry with a name that a user gave. */
export type NamedEntry = IndexEntry & Required<Pick<IndexEntry, "name" | "descriptor">>;

/** Whether an entry is an image with a name; the tags of attachments are not names that a user gave. */
export function isImage(entry: IndexEntry): entry is NamedEntry {
  return entry.descriptor !== undefined && entry.name !== undefined && !attachmentSubject(entry.name);
}

/** What is right below a manifest, and what refers to it. */
function tiedTo({ descriptor }: IndexEntry, reader: ManifestReader, attachments: Attachments): Rooted[] {
  if (!descriptor) return [];
  const children = reader.read(descriptor).manifest?.children ?? [];
  return [...children, ...attachments.of(descriptor.digest)].map((tied) => ({ descriptor: tied }));
}

function isReadable({ descriptor }: IndexEntry, reader: ManifestReader): boolean {
  const state = descriptor && reader.read(descriptor).state;
  return state === "ok" || state === "invalid";
}

/** A file of the store. */
export interface StoreFile {
  path: string;
  /** In bytes. */
  size: number;
  /** When it was last written, moved or given other rights, in milliseconds since 1970. */
  changed: number;
}

/** A file under `blobs/` whose name is a digest; it may also be a link or a FIFO. */
export interface BlobFile extends StoreFile {
  digest: Digest;
}

/** What lies under `blobs/`: files that are named as blobs are, and the paths of all else. */
export function* listBlobFiles(layout: Layout): Generator<BlobFile | { path: string; digest?: undefined }> {
  for (const algorithm of listFolder(layout.blobs)) {
    const folder = join(layout.blobs, algorithm);
    if (!statOf(folder)?.isDirectory()) {
      yield { path: folder };
      continue;
    }
    for (const name of listFolder(folder)) {
      const path = join(folder, name);
      const stat = statOf(path);
      if (!stat) continue;
      const digest = `${algorithm}:${name}`;
      yield !stat.isDirectory() && isDigest(digest) ? { ...storeFile(path, stat), digest } : { path };
    }
  }
}

/** How `ig` and satchel name what they write under `ingest/`. Nothing else there is theirs to remove. */
const INGEST_NAME = /^(?:[0-9a-f]{64}(?:[0-9a-f]{64})?(?:\.partial|_.+)|upload_[0-9a-f-]{36})$/;

/** The parts of transfers under `ingest/`. */
export function listIngestFiles(layout: Layout): StoreFile[] {
  return listFolder(layout.ingest).filter((name) => INGEST_NAME.test(name)).flatMap((name) => {
    const path = join(layout.ingest, name);
    const stat = statOf(path);
    return stat?.isFile() ? [storeFile(path, stat)] : [];
  });
}

function storeFile(path: string, { size, mtimeMs, ctimeMs }: Stats): StoreFile {
  return { path, size, changed: Math.max(mtimeMs, ctimeMs) };
}
