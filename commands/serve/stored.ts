import { compareBytes, formatRepository, parseReference, type Reference } from "../../lib/oci/mod.ts";
import { hasCode } from "../../lib/error.ts";
import type { Repositories, Repository, RepositoryName } from "../../lib/server/mod.ts";
import type { Snapshot, Store } from "../../lib/store/mod.ts";

/** What a server needs to know of one state of the store. */
interface Contents {
  /** Names of repositories, by their full text, in order. */
  names: ReadonlyMap<string, RepositoryName>;
  /** Tags in order, by the full name of their repository. */
  tags: ReadonlyMap<string, readonly string[]>;
}

/** A store, to be served. */
export function storedRepositories(store: Store): Repositories {
  const known = new WeakMap<Snapshot, Contents>();
  const contents = async (signal: AbortSignal | undefined): Promise<Contents> => {
    const snapshot = await store.snapshot({ signal });
    const found = known.get(snapshot) ?? contentsOf(snapshot);
    known.set(snapshot, found);
    return found;
  };
  return {
    list: async ({ signal } = {}) => [...(await contents(signal)).names.values()],
    at: (name) => repositoryOf(store, name, contents),
  };
}

function repositoryOf(
  store: Store,
  name: RepositoryName,
  contents: (signal: AbortSignal | undefined) => Promise<Contents>,
): Repository {
  return {
    name,
    async tags({ signal } = {}) {
      const tags = (await contents(signal)).tags.get(formatRepository(name));
      return tags && [...tags];
    },
    async manifest(reference, options) {
      try {
        const { descriptor } = await store.repository(name).resolve(reference, options);
        const bytes = (await store.snapshot(options)).readManifest(descriptor);
        return bytes && { descriptor, bytes };
      } catch (error) {
        if (hasCode(error, "not-found")) return undefined;
        throw error;
      }
    },
    blob(digest) {
      const file = store.fileOf(digest);
      return Promise.resolve(file && { size: file.size, bytes: { path: file.path, offset: 0 } });
    },
    referrers: async (subject, options) => {
      // A look-up by digest alone.
      const descriptor = { mediaType: "", digest: subject, size: 0 };
      return await store.repository(name).referrers(descriptor, options);
    },
  };
}

function contentsOf({ names }: Snapshot): Contents {
  const tagged = names.flatMap((name) => tagOf(name) ?? []).sort((a, b) => compareBytes(keyOf(a), keyOf(b)));
  const repositories = new Map<string, RepositoryName>();
  const tags = new Map<string, string[]>();
  for (const { registry, repository, tag } of tagged) {
    const full = formatRepository({ registry, repository });
    repositories.set(full, { registry, repository });
    const list = tags.get(full) ?? [];
    list.push(tag);
    tags.set(full, list);
  }
  return { names: repositories, tags };
}

function keyOf({ registry, repository, tag }: Required<Omit<Reference, "digest">>): string {
  return `${formatRepository({ registry, repository })} ${tag}`;
}

/** Names by the rules of tools that have others cannot be asked for. */
function tagOf(name: string): Required<Omit<Reference, "digest">> | undefined {
  try {
    const { registry, repository, tag, digest } = parseReference(name);
    const isFull = formatRepository({ registry, repository }).length < name.length && name.startsWith(registry);
    return tag === undefined || digest !== undefined || !isFull ? undefined : { registry, repository, tag };
  } catch {
    return undefined;
  }
}
