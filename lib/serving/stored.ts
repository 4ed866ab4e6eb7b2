import { hasCode } from "../error.ts";
import { type Descriptor, isDigest, isManifestType } from "../oci/mod.ts";
import type { Repositories, Repository, RepositoryName } from "../server/mod.ts";
import type { Snapshot, Store } from "../store/mod.ts";
import type { CheckedFiles } from "./checked_files.ts";
import { type ServedContents, servedContents } from "./served_contents.ts";

/** One state of a store. */
interface StoredContents extends ServedContents {
  snapshot: Snapshot;
}

/**
 * A store, to be served.
 *
 * @param files knows which of its files are damaged
 */
export function storedRepositories(store: Store, files: CheckedFiles): Repositories {
  const known = new WeakMap<Snapshot, StoredContents>();
  const contents = async (signal: AbortSignal | undefined): Promise<StoredContents> => {
    const snapshot = await store.snapshot({ signal });
    const found = known.get(snapshot) ?? { ...servedContents(snapshot), snapshot };
    known.set(snapshot, found);
    return found;
  };
  return {
    list: async ({ signal } = {}) => [...(await contents(signal)).repositories],
    at: (name) => repositoryOf(store, name, files, contents),
  };
}

function repositoryOf(
  store: Store,
  name: RepositoryName,
  files: CheckedFiles,
  contents: (signal: AbortSignal | undefined) => Promise<StoredContents>,
): Repository {
  return {
    name,
    async tags({ signal } = {}) {
      const tags = await (await contents(signal)).tagsOf(name);
      return tags && [...tags];
    },
    async manifest(reference, { signal } = {}) {
      const { snapshot, nameOf } = await contents(signal);
      const stored = isDigest(reference) ? reference : nameOf(name, reference);
      const descriptor = stored === undefined ? undefined : await find(store, snapshot, stored);
      if (!descriptor || !isManifestType(descriptor.mediaType)) return undefined;
      const bytes = snapshot.readManifest(descriptor);
      return bytes && { descriptor, bytes };
    },
    async blob(digest) {
      const file = store.fileOf(digest);
      if (!file) return undefined;
      const part = { path: file.path, offset: 0, size: file.size };
      const state = files.admit(digest, part);
      return state && { size: file.size, bytes: part, isHashed: state === "ok" };
    },
    async referrers(subject, { signal } = {}) {
      const { snapshot } = await contents(signal);
      // A look-up by digest alone. What is read for it is for all who ask, so it goes on if this client leaves.
      return await snapshot.referrers({ mediaType: "", digest: subject, size: 0 });
    },
  };
}

/** What is listed under a name or a digest, or is a part of something listed. */
async function find(store: Store, snapshot: Snapshot, stored: string): Promise<Descriptor | undefined> {
  try {
    return (await snapshot.resolve(stored)).descriptor;
  } catch (error) {
    if (!hasCode(error, "not-found")) throw error;
  }
  // Other tools do not list the parts of an index. All indexes are read for that, so not for what is not there at all.
  return isDigest(stored) && store.fileOf(stored) ? (await snapshot.children()).get(stored)?.descriptor : undefined;
}
