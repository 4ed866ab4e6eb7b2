import { dirname } from "node:path";
import {
  attachmentSubject,
  type Commit,
  type CopiedManifest,
  imageReference,
  type Source,
  type Target,
} from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import {
  type Descriptor,
  type Digest,
  formatPlatform,
  formatRepository,
  isDigest,
  isForeignLayerType,
  MAX_MANIFEST_SIZE,
  parseManifest,
  plainDescriptor,
  PLATFORMS_ANNOTATION,
  type Reference,
} from "../oci/mod.ts";
import { blobState, hasSize, readBlob, streamBlob } from "./blobs.ts";
import { EntryList } from "./entries.ts";
import { syncFolder } from "../files/mod.ts";
import { type ManifestReader, manifestReader } from "./graph.ts";
import { changeIndex, entryFor, type IndexEntry, readIndex } from "./index_file.ts";
import { ingest } from "./ingest.ts";
import { blobPath, createStore, type Layout } from "./layout.ts";
import { findEntry, nameOfTag, ofRepository } from "./names.ts";
import type { ReferrerLookUp } from "./referrers.ts";
import { nameImage } from "./sparse.ts";

/** Takes a commit of one repository. */
export type CommitTaker = (repository: Reference, commit: Commit, signal: AbortSignal | undefined) => Promise<void>;

/**
 * One repository of a store, to copy from and to copy to. Digests are looked up in the whole store: blobs are shared.
 *
 * @param referrersOf made once for a store by {@link referrerLookUp}
 */
export function storeRepository(
  layout: Layout,
  reference: Reference,
  referrersOf: ReferrerLookUp,
  takeCommit: CommitTaker = (repository, commit, signal) => commitAll(layout, [{ repository, commit }], signal),
): Source & Target {
  const name = formatRepository(reference);
  return {
    name,
    manifestsAreComplete: false,

    async resolve(wanted, { signal } = {}) {
      const { entries } = await readIndex(layout, signal);
      const { descriptor } = isDigest(wanted)
        ? findDigest(entries, reference, wanted, layout.root)
        : findEntry(entries, nameOfTag(reference, wanted), layout.root);
      if (descriptor) return { descriptor: plainDescriptor(descriptor) };
      throw new SatchelError("invalid", `The entry of ${wanted} in ${layout.indexFile} is not a valid descriptor`);
    },

    fetch: (descriptor, fetchOptions = {}) => streamBlob(layout, descriptor, fetchOptions),

    async referrers(subject, { signal } = {}) {
      return await referrersOf(await readIndex(layout, signal), subject.digest, signal);
    },

    prepare: ({ signal } = {}) => createStore(layout, signal),

    has: async (descriptor, contentOptions = {}) => await blobState(layout, descriptor, contentOptions) === "ok",

    async readManifest(descriptor) {
      if (descriptor.size > MAX_MANIFEST_SIZE) return undefined;
      return readBlob(layout, descriptor).bytes;
    },

    async push(descriptor, content, pushOptions = {}) {
      await ingest(layout, descriptor, content, pushOptions);
    },

    commit: (commit, { signal } = {}) => takeCommit(reference, commit, signal),

    async *tags({ signal } = {}) {
      for (const { name: stored } of ofRepository((await readIndex(layout, signal)).entries, reference)) {
        const { tag, digest } = imageReference(stored!)!;
        if (tag !== undefined && digest === undefined) yield tag;
      }
    },
  };
}

function findDigest(
  entries: readonly IndexEntry[],
  repository: Reference,
  digest: Digest,
  store: string,
): IndexEntry {
  const matches = (entry: IndexEntry) => entry.descriptor?.digest === digest;
  const found = ofRepository(entries, repository).find(matches) ?? entries.find(matches);
  if (found) return found;
  throw new SatchelError("not-found", `${formatRepository(repository)}@${digest} is not in ${store}`);
}

/** A commit, and the repository that its names are of. */
export interface RepositoryCommit {
  repository: Reference;
  commit: Commit;
}

/**
 * Makes what was pushed reachable, in one change of the index.
 *
 * @throws {SatchelError} `content-lost` if something of any of them vanished meanwhile; nothing is changed then
 */
export async function commitAll(
  layout: Layout,
  commits: readonly RepositoryCommit[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await changeIndex(layout, signal, ({ index, save }) => {
    const contents = new Map(commits.flatMap(({ commit }) => contentsOf(commit)).map((each) => [each.digest, each]));
    checkComplete(layout, [...contents.values()]);
    syncBlobFolders(layout, [...contents.values()]);
    const list = new EntryList(index.entries);
    const reader = manifestReader(layout, signal);
    for (const { repository, commit } of commits) enterCommit(list, repository, commit, reader, layout.root);
    save(list.entries);
  });
  for (const { repository, commit } of commits) {
    for (const { tag, descriptor, bytes } of commit.names) {
      warnOfCrash(layout, nameOfTag(repository, tag), descriptor, bytes);
    }
  }
}

function contentsOf({ manifests, blobs }: Commit): Descriptor[] {
  return [...manifests.map(({ descriptor }) => descriptor), ...blobs];
}

/** Files are removed under the index lock alone, so what is there now is still there when the index names it. */
function checkComplete(layout: Layout, contents: readonly Descriptor[]): void {
  const lost = contents.find((descriptor) => !isForeignLayerType(descriptor.mediaType) && !hasSize(layout, descriptor));
  if (!lost) return;
  throw new SatchelError("content-lost", `${lost.digest} was removed from ${layout.root} while it was being used`, {
    hint: "Another process removes images there. Try again.",
  });
}

function syncBlobFolders(layout: Layout, contents: readonly Descriptor[]): void {
  const folders = new Set(contents.map(({ digest }) => dirname(blobPath(layout, digest))));
  for (const folder of folders) syncFolder(folder);
}

function enterCommit(
  list: EntryList,
  repository: Reference,
  commit: Commit,
  reader: ManifestReader,
  store: string,
): void {
  for (const { tag, descriptor, platforms, replaces } of commit.names) {
    if (replaces !== undefined) checkReplaced(list, nameOfTag(repository, tag), replaces, store);
    const sparse = platforms && { [PLATFORMS_ANNOTATION]: platforms.map(formatPlatform).join(",") };
    nameImage(list, entryFor(plainDescriptor(descriptor), nameOfTag(repository, tag), sparse), reader);
  }
  for (const manifest of commit.manifests) list.list(untaggedEntry(manifest));
}

/** The index is locked, so it stays so until it is written. */
function checkReplaced(list: EntryList, name: string, replaces: Digest | null, store: string): void {
  const entry = list.find(name);
  if ((entry ? entry.descriptor?.digest : null) === replaces) return;
  throw new SatchelError("content-lost", `${name} in ${store} was set by somebody else meanwhile`, {
    hint: "Try again.",
  });
}

/** As its parent describes it; a referrer has no parent and, as `ig` writes it, no artifact type. */
function untaggedEntry({ descriptor, subject }: CopiedManifest): IndexEntry {
  if (subject) return entryFor(plainDescriptor(descriptor), undefined);
  // An index that says this of its parts would have what is missing of them pass for left out.
  const { [PLATFORMS_ANNOTATION]: _, ...annotations } = descriptor.annotations ?? {};
  return entryFor(descriptor, undefined, annotations);
}

/** Where `ig` keeps its images: root's store, and that of any other user. */
function isStoreOfIg({ root }: Layout): boolean {
  return root === "/var/lib/ig/oci-store" || root.endsWith("/.ig/oci-store");
}

/** Today's `ig image list` and `remove` panic on such an index, for every image of the store. */
function warnOfCrash(layout: Layout, name: string, descriptor: Descriptor, bytes: Uint8Array) {
  if (!layout.options.onWarning || !isStoreOfIg(layout) || attachmentSubject(name)) return;
  const { kind, children } = parseManifest(bytes, descriptor.mediaType, name);
  if (kind !== "index" || children.every((child) => child.platform)) return;
  layout.options.onWarning(
    `${name} has a part without a platform; \`ig image list\` and \`ig image remove\` crash while it is in ` +
      `${layout.root}. Remove it, and pull it into another store.`,
  );
}
