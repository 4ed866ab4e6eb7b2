import { join } from "node:path";
import { attachmentSubject } from "../content/mod.ts";
import { type Digest, isDigest } from "../oci/mod.ts";
import { statOf } from "./files.ts";
import { type Attachments, findAttachments, type ManifestReader, reachable } from "./graph.ts";
import type { IndexEntry } from "./index_file.ts";
import { type Layout, listFolder } from "./layout.ts";

/**
 * What an entry of the index is good for.
 *
 * - `image`: it has a name that a user gave
 * - `needed`: a part of such an image, or an attachment of one
 * - `untagged`: an image without a name, a part of one, or an attachment of one
 * - `gone`: nothing with a name needs it, and its manifest is missing or damaged
 * - `orphan`: an attachment of something that is not there any more
 * - `unknown`: not a valid descriptor
 */
export type EntryUse = "image" | "needed" | "untagged" | "gone" | "orphan" | "unknown";

/** The index, looked through. */
export interface Survey {
  uses: Map<IndexEntry, EntryUse>;
  attachments: Attachments;
}

/** Tells what each entry of the index is good for. */
export function surveyEntries(entries: readonly IndexEntry[], reader: ManifestReader): Survey {
  const attachments = findAttachments(entries, reader);
  const images = entries.filter(isImage);
  const needed = reachable(images, reader, attachments);
  const untagged = reachable(
    entries.filter((entry) => isUntaggedRoot(entry, needed, reader, attachments)),
    reader,
    attachments,
  );
  const useOf = (entry: IndexEntry): EntryUse => {
    if (!entry.descriptor) return "unknown";
    if (isImage(entry)) return "image";
    const subject = attachments.subjectOf(entry);
    const { digest } = entry.descriptor;
    if (subject) return needed.has(subject) ? "needed" : untagged.has(subject) ? "untagged" : "orphan";
    if (needed.has(digest)) return "needed";
    return isReadable(entry, reader) ? "untagged" : "gone";
  };
  return { uses: new Map(entries.map((entry) => [entry, useOf(entry)])), attachments };
}

function isImage({ name, descriptor }: IndexEntry): boolean {
  return descriptor !== undefined && name !== undefined && !attachmentSubject(name);
}

function isUntaggedRoot(
  entry: IndexEntry,
  needed: ReadonlySet<Digest>,
  reader: ManifestReader,
  attachments: Attachments,
): boolean {
  if (!entry.descriptor || isImage(entry) || needed.has(entry.descriptor.digest)) return false;
  return attachments.subjectOf(entry) === undefined && isReadable(entry, reader);
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

/** A file under `blobs/` whose name is a digest. */
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
      const digest = `${algorithm}:${name}`;
      const file = isDigest(digest) ? regularFile(path) : undefined;
      if (file && isDigest(digest)) yield { ...file, digest };
      else if (statOf(path)) yield { path };
    }
  }
}

/** The regular files under `ingest/`. */
export function listIngestFiles(layout: Layout): StoreFile[] {
  return listFolder(layout.ingest).flatMap((name) => regularFile(join(layout.ingest, name)) ?? []);
}

function regularFile(path: string): StoreFile | undefined {
  const stat = statOf(path);
  if (!stat?.isFile()) return undefined;
  return { path, size: stat.size, changed: Math.max(stat.mtimeMs, stat.ctimeMs) };
}
