import { fchmodSync } from "node:fs";
import { hasCode, SatchelError } from "../error.ts";
import {
  type Annotations,
  compareBytes,
  type Descriptor,
  encodeIndex,
  hasMoreItems,
  isJsonObject,
  type JsonObject,
  parseDescriptor,
  parseJson,
  REF_NAME_ANNOTATION,
} from "../oci/mod.ts";
import type { Lock } from "../runtime/mod.ts";
import { readWhole, replaceFile, stampOf, statOf, syncFolder } from "../files/mod.ts";
import { createStore, type Layout, lockIndex, storeExists } from "./layout.ts";

/** The largest index that is read, in bytes; one of 5,000 names has about 5 MiB. */
const MAX_INDEX_SIZE = 256 * 1024 * 1024;

/** The most entries that an index may have; every image takes one for each platform and name. */
const MAX_ENTRIES = 200_000;

/** One entry of index.json. */
export interface IndexEntry {
  /** As it stands in the file, with members that satchel does not know. */
  readonly raw: JsonObject;
  /** `undefined` if the entry is not a valid descriptor; it is then kept and otherwise left alone. */
  readonly descriptor?: Descriptor;
  /** The full reference, or the bare tag of an attachment. */
  readonly name?: string;
}

/** index.json as it was read. */
export interface IndexFile {
  /** Members beside `manifests`. */
  readonly members: JsonObject;
  readonly entries: readonly IndexEntry[];
}

/** The index, while nobody else changes it. */
export interface IndexSession {
  readonly index: IndexFile;
  /** Replaces the entries, on disk; when it returns, the change survives a power failure. */
  save(entries: readonly IndexEntry[]): void;
}

/** The index as this process read it last, with what tells whether the file is still the same. */
const lastRead = new WeakMap<Layout, { stamp: string; index: IndexFile }>();

const NO_INDEX: IndexFile = { members: { schemaVersion: 2 }, entries: [] };

/**
 * Reads the index. It takes no lock unless it has to: `ig` writes the file in place, so that a reader may see the half
 * of it; satchel replaces it at once.
 *
 * @throws {SatchelError} `invalid` if it is broken, `storage`, and what taking the lock throws
 */
export async function readIndex(layout: Layout, signal?: AbortSignal): Promise<IndexFile> {
  if (!storeExists(layout)) return NO_INDEX;
  const stamp = indexStamp(layout);
  const last = lastRead.get(layout);
  if (last && stamp !== undefined && last.stamp === stamp) return last.index;
  const index = await loadStable(layout, signal);
  if (stamp !== undefined && stamp === indexStamp(layout)) lastRead.set(layout, { stamp, index });
  return index;
}

async function loadStable(layout: Layout, signal: AbortSignal | undefined): Promise<IndexFile> {
  try {
    return loadIndex(layout);
  } catch (error) {
    if (!hasCode(error, "invalid")) throw error;
    using _lock = await lockUnlessForbidden(layout, error, signal);
    return loadIndex(layout);
  }
}

/** Who may not lock the index hears what is wrong with it, not with the lock. */
async function lockUnlessForbidden(layout: Layout, problem: SatchelError, signal?: AbortSignal): Promise<Lock> {
  try {
    return await lockIndex(layout, signal);
  } catch (error) {
    throw hasCode(error, "storage") ? problem : error;
  }
}

function indexStamp(layout: Layout): string | undefined {
  const stat = statOf(layout.indexFile);
  return stat && stampOf(stat);
}

/**
 * Runs `work` while this process alone may change the index; the store is created if there is none.
 *
 * @throws {SatchelError} `busy`, `invalid`, `storage`, `cancelled`, and whatever `work` throws
 */
export async function changeIndex<T>(
  layout: Layout,
  signal: AbortSignal | undefined,
  work: (session: IndexSession) => T | Promise<T>,
): Promise<T> {
  await createStore(layout, signal);
  using _lock = await lockIndex(layout, signal);
  const index = loadIndex(layout);
  return await work({ index, save: (entries) => saveIndex(layout, { ...index, entries }) });
}

/**
 * Reads and checks index.json as it is at this moment; one that is not there is an empty one, as for `ig`. Only with the
 * lock is it certain to be whole: without, use {@link readIndex}.
 *
 * @throws {SatchelError} `invalid`, `storage`
 */
export function loadIndex(layout: Layout): IndexFile {
  const bytes = readWhole(layout.indexFile, MAX_INDEX_SIZE);
  if (bytes === undefined) return NO_INDEX;
  try {
    return parseIndex(bytes, layout.indexFile);
  } catch (error) {
    if (!hasCode(error, "invalid")) throw error;
    throw new SatchelError("invalid", error.message, {
      hint:
        "`store check` tells what is still whole. Moved away, the index is made anew by the next pull, import or tag.",
      cause: error,
    });
  }
}

/**
 * Reads an image index as it lies in a store.
 *
 * @param path for the error text
 * @throws {SatchelError} `invalid`
 */
function parseIndex(bytes: Uint8Array, path: string): IndexFile {
  if (hasMoreItems(bytes, MAX_ENTRIES)) {
    throw new SatchelError("invalid", `${path} has more than ${MAX_ENTRIES} entries, which is the limit`);
  }
  const json = parseJson(bytes, path);
  if (!isJsonObject(json)) throw new SatchelError("invalid", `${path} is not a JSON object`);
  const { manifests, ...members } = json;
  if (members.schemaVersion !== undefined && members.schemaVersion !== 2) {
    throw new SatchelError("invalid", `${path} has schemaVersion ${JSON.stringify(members.schemaVersion)}, not 2`);
  }
  // Go writes an empty list as null.
  if (manifests !== undefined && manifests !== null && !Array.isArray(manifests)) {
    throw new SatchelError("invalid", `${path}: manifests is not a list`);
  }
  const list: unknown[] = manifests ?? [];
  return { members, entries: list.map((raw: unknown, at) => parseEntry(raw, at, path)) };
}

function parseEntry(raw: unknown, at: number, path: string): IndexEntry {
  if (!isJsonObject(raw)) throw new SatchelError("invalid", `${path}: manifests[${at}] is not an object`);
  const annotated = isJsonObject(raw.annotations) ? raw.annotations[REF_NAME_ANNOTATION] : undefined;
  const name = typeof annotated === "string" && annotated !== "" ? annotated : undefined;
  try {
    return { raw, descriptor: parseDescriptor(raw, `manifests[${at}] of ${path}`), name };
  } catch {
    return { raw, name };
  }
}

/** An entry with a name, or with none, as it was asked for. */
export type EntryNamed<Name extends string | undefined> = IndexEntry & { readonly name: Name };

/** The entry for a manifest under a name or, without one, as a part of something else. */
export function entryFor<Name extends string | undefined>(
  descriptor: Descriptor,
  name: Name,
  annotations: Annotations = {},
): EntryNamed<Name> {
  const { mediaType, digest, size, urls, platform, artifactType } = descriptor;
  // A manifest's own index may say whatever it likes; what is named here is for the user alone to decide.
  const { [REF_NAME_ANNOTATION]: _, ...others } = annotations;
  const named = name === undefined ? others : { ...others, [REF_NAME_ANNOTATION]: name };
  const raw: JsonObject = { mediaType, digest, size };
  if (urls) raw.urls = urls;
  if (Object.keys(named).length > 0) raw.annotations = named;
  if (platform) raw.platform = { ...platform };
  if (artifactType) raw.artifactType = artifactType;
  const { annotations: _unnamed, ...rest } = descriptor;
  return { raw, name, descriptor: Object.keys(named).length > 0 ? { ...rest, annotations: named } : rest };
}

/** The same entry under another name, or under none; what satchel does not know of it stays. */
export function renamed<Name extends string | undefined>(entry: IndexEntry, name: Name): EntryNamed<Name> {
  const { annotations, ...raw } = entry.raw;
  const { [REF_NAME_ANNOTATION]: _, ...others } = isJsonObject(annotations) ? annotations : {};
  const changed = name === undefined ? others : { ...others, [REF_NAME_ANNOTATION]: name };
  if (Object.keys(changed).length > 0) raw.annotations = changed;
  return { raw, name, descriptor: entry.descriptor };
}

/** The same entry with another value of an annotation, or without it; what satchel does not know of it stays. */
export function annotated<Entry extends IndexEntry>(entry: Entry, key: string, value: string | undefined): Entry {
  const { annotations, ...raw } = entry.raw;
  const { [key]: _, ...others } = isJsonObject(annotations) ? annotations : {};
  const changed = value === undefined ? others : { ...others, [key]: value };
  if (Object.keys(changed).length > 0) raw.annotations = changed;
  return { ...entry, raw, descriptor: parseDescriptor(raw, "the entry") };
}

/** index.json as `ig` would write it, but with the entries in an order that does not change by itself. */
function encodeIndexFile(index: IndexFile): string {
  return encodeIndex(index.members, inOrder(index.entries).map(({ raw }) => raw));
}

/** Named entries by name, then the others by digest. */
function inOrder(entries: readonly IndexEntry[]): IndexEntry[] {
  const named = entries.filter((entry) => entry.name !== undefined);
  const others = entries.filter((entry) => entry.name === undefined);
  return [
    ...named.sort((a, b) => compareBytes(a.name!, b.name!)),
    ...others.sort((a, b) => compareBytes(String(a.raw.digest), String(b.raw.digest))),
  ];
}

/** Replaces index.json; under its lock. When it returns, the change survives a power failure. */
function saveIndex(layout: Layout, index: IndexFile): void {
  const old = statOf(layout.indexFile);
  replaceFile(layout.indexFile, encodeIndexFile(index), (fd) => {
    if (old) fchmodSync(fd, old.mode & 0o777);
  });
  syncFolder(layout.root);
}
