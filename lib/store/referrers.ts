import { attachmentSubject, fallbackTag } from "../content/mod.ts";
import { type Descriptor, type Digest, isManifestType, referrerDescriptor } from "../oci/mod.ts";
import { type ManifestReader, manifestReader } from "./graph.ts";
import type { IndexFile } from "./index_file.ts";
import type { Layout } from "./layout.ts";

/** Lists what refers to a manifest of a store. */
export type ReferrerLookUp = (index: IndexFile, subject: Digest, signal?: AbortSignal) => Promise<Descriptor[]>;

/** What refers to what, by one index. */
interface Referrers {
  /** Listed manifests by the subject that they name themselves. */
  bySubject: ReadonlyMap<Digest, readonly Descriptor[]>;
  /** What a registry without the referrers API had under these tags, and came along. */
  byTag: ReadonlyMap<string, Descriptor>;
}

/**
 * Lists what refers to a manifest: listed manifests that say so themselves, and what a fallback index names that came
 * along from a registry without the referrers API. What is damaged or missing is left out. All manifests have to be read
 * for that, each of them once: what it says cannot change.
 */
export function referrerLookUp(layout: Layout): ReferrerLookUp {
  let last: { index: IndexFile; referrers: Promise<Referrers> } | undefined;
  let known: ReadonlyMap<string, Digest | undefined> = new Map();
  const collect = async (index: IndexFile, signal: AbortSignal | undefined) => {
    const { subjects, referrers } = await readSubjects(index, manifestReader(layout, signal), known);
    known = subjects;
    return referrers;
  };
  return async (index, subject, signal) => {
    if (last?.index !== index) {
      const current = { index, referrers: collect(index, signal) };
      last = current;
      // It was ended, or could not be read; the next one who asks tries again.
      current.referrers.catch(() => void (last = last === current ? undefined : last));
    }
    const { bySubject, byTag } = await last.referrers;
    const reader = manifestReader(layout, signal);
    const fallback = byTag.get(fallbackTag(subject));
    const listed = fallback ? reader.read(fallback).manifest?.children ?? [] : [];
    const found = new Map<Digest, Descriptor>();
    for (const candidate of [...bySubject.get(subject) ?? [], ...listed]) {
      const { manifest } = isManifestType(candidate.mediaType) ? reader.read(candidate) : {};
      if (manifest) found.set(candidate.digest, referrerDescriptor(candidate, manifest));
    }
    return [...found.values()];
  };
}

/** @param known what manifests that were read before have said: their subjects, by {@link keyOf} */
async function readSubjects(
  { entries }: IndexFile,
  reader: ManifestReader,
  known: ReadonlyMap<string, Digest | undefined>,
): Promise<{ subjects: Map<string, Digest | undefined>; referrers: Referrers }> {
  const subjects = new Map<string, Digest | undefined>();
  const bySubject = new Map<Digest, Descriptor[]>();
  const byTag = new Map<string, Descriptor>();
  for (const { name, descriptor } of entries) {
    if (!descriptor) continue;
    if (name !== undefined && attachmentSubject(name)) {
      // Of several entries of one name the last one counts.
      byTag.set(name, descriptor);
      continue;
    }
    const key = keyOf(descriptor);
    if (subjects.has(key) || !isManifestType(descriptor.mediaType)) continue;
    const turn = reader.turn();
    if (turn) await turn;
    const subject = known.has(key) ? known.get(key) : readSubject(descriptor, reader, subjects);
    if (known.has(key)) subjects.set(key, subject);
    if (!subject) continue;
    const list = bySubject.get(subject);
    if (list) list.push(descriptor);
    else bySubject.set(subject, [descriptor]);
  }
  return { subjects, referrers: { bySubject, byTag } };
}

/** What is damaged or missing says nothing, and is looked at again. */
function readSubject(
  descriptor: Descriptor,
  reader: ManifestReader,
  subjects: Map<string, Digest | undefined>,
): Digest | undefined {
  const { manifest } = reader.read(descriptor);
  if (manifest) subjects.set(keyOf(descriptor), manifest.subject?.digest);
  return manifest?.subject?.digest;
}

function keyOf({ digest, mediaType, size }: Descriptor): string {
  return `${digest} ${mediaType} ${size}`;
}
