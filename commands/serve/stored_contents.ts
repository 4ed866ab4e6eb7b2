import { attachmentSubject } from "../../lib/content/mod.ts";
import { compareBytes, type Digest, formatReference, formatRepository, parseReference } from "../../lib/oci/mod.ts";
import type { RepositoryName } from "../../lib/server/mod.ts";
import type { Snapshot } from "../../lib/store/mod.ts";

/** What a server needs to know of one state of a store. */
export interface StoredContents {
  readonly snapshot: Snapshot;
  /** All repositories that have a name in the store, in the order of their full names. */
  readonly repositories: readonly RepositoryName[];
  /** The name in the store that a tag of a repository stands for. */
  nameOf(repository: RepositoryName, tag: string): string | undefined;
  /** All tags of a repository in their order, with those of what is attached to its images; `undefined` if there is no such repository. */
  tagsOf(repository: RepositoryName): Promise<readonly string[] | undefined>;
}

/** One repository of a store. */
interface StoredRepository {
  name: RepositoryName;
  /** The name in the store by the tag. */
  tags: Map<string, string>;
  /** Tags of which there are several images, all with a digest in their names: nobody knows which one is meant. */
  unclear: Set<string>;
}

/** Sorts the names of a store by repositories. */
export function storedContents(snapshot: Snapshot): StoredContents {
  const repositories = new Map<string, StoredRepository>();
  for (const name of snapshot.names) addName(repositories, name);
  const sorted = [...repositories].sort(([a], [b]) => compareBytes(a, b)).map(([, { name }]) => name);
  let attached: Promise<ReadonlyMap<string, readonly string[]>> | undefined;
  return {
    snapshot,
    repositories: sorted,
    nameOf: (repository, tag) =>
      repositories.get(formatRepository(repository))?.tags.get(tag) ??
        // Who may read one repository may read all, and cosign's tags are those of the whole store.
        (attachmentSubject(tag) ? tag : undefined),
    async tagsOf(repository) {
      const full = formatRepository(repository);
      const found = repositories.get(full);
      if (!found) return undefined;
      attached ??= attachedTags(snapshot, repositories.values());
      const tags = new Set([...found.tags.keys(), ...(await attached).get(full) ?? []]);
      return [...tags].sort(compareBytes);
    },
  };
}

/** Names by the rules of tools that have others cannot be asked for. */
function addName(repositories: Map<string, StoredRepository>, stored: string): void {
  const reference = referenceOf(stored);
  if (!reference) return;
  const { registry, repository, tag, digest } = reference;
  const full = formatRepository(reference);
  const known = repositories.get(full) ?? { name: { registry, repository }, tags: new Map(), unclear: new Set() };
  repositories.set(full, known);
  if (tag === undefined) return;
  const isPlain = digest === undefined;
  if (!isPlain && known.unclear.has(tag)) return;
  const other = known.tags.get(tag);
  if (isPlain || other === undefined) known.tags.set(tag, stored);
  // Of `name:tag@digest` there may be several, and `name:tag` beside them.
  else if (other.includes("@")) {
    known.tags.delete(tag);
    known.unclear.add(tag);
  }
}

function referenceOf(name: string) {
  if (attachmentSubject(name)) return undefined;
  try {
    const reference = parseReference(name);
    return formatReference(reference) === name ? reference : undefined;
  } catch {
    return undefined;
  }
}

/** cosign's tags and fallback tags lie in a store without a repository: they are those of each that has their subject. */
async function attachedTags(
  snapshot: Snapshot,
  repositories: Iterable<StoredRepository>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const attachments = snapshot.names.filter((name) => attachmentSubject(name));
  if (attachments.length === 0) return new Map();
  const owners = new Owners(snapshot);
  for (const { name, tags } of repositories) {
    for (const stored of tags.values()) await owners.add(stored, formatRepository(name));
  }
  const byRepository = new Map<string, string[]>();
  for (const tag of attachments) {
    for (const full of await owners.of(attachmentSubject(tag)!)) {
      byRepository.set(full, [...byRepository.get(full) ?? [], tag]);
    }
  }
  return byRepository;
}

/** How many steps lead from an attachment to the image that has a name: of an index in an index, of a signature's signature. */
const MAX_STEPS = 10;

/** Which repositories a manifest is of: those where it has a name, where an index does that lists it, or what it is attached to. */
class Owners {
  readonly #snapshot: Snapshot;
  readonly #named = new Map<Digest, Set<string>>();
  /** The subjects of what lies under cosign's tags. */
  #subjects: Map<Digest, Digest[]> | undefined;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  async add(stored: string, repository: string): Promise<void> {
    const digest = await this.#digestOf(stored);
    if (!digest) return;
    const named = this.#named.get(digest) ?? new Set();
    named.add(repository);
    this.#named.set(digest, named);
  }

  async of(digest: Digest): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    const seen = new Set<Digest>();
    let step = [digest];
    for (let steps = 0; step.length > 0 && steps < MAX_STEPS; steps++) {
      const next: Digest[] = [];
      for (const each of step) {
        if (seen.has(each)) continue;
        seen.add(each);
        const named = this.#named.get(each);
        for (const repository of named ?? []) found.add(repository);
        // What has a name of its own need not be looked for in others.
        if (!named) next.push(...await this.#above(each));
      }
      step = next;
    }
    return found;
  }

  async #above(digest: Digest): Promise<readonly Digest[]> {
    const parents = (await this.#snapshot.children()).get(digest)?.parents ?? [];
    this.#subjects ??= await this.#readSubjects();
    return [...parents, ...this.#subjects.get(digest) ?? []];
  }

  async #readSubjects(): Promise<Map<Digest, Digest[]>> {
    const subjects = new Map<Digest, Digest[]>();
    for (const name of this.#snapshot.names) {
      const subject = attachmentSubject(name);
      const digest = subject && await this.#digestOf(name);
      if (digest) subjects.set(digest, [...subjects.get(digest) ?? [], subject]);
    }
    return subjects;
  }

  async #digestOf(stored: string): Promise<Digest | undefined> {
    try {
      return (await this.#snapshot.resolve(stored)).descriptor.digest;
    } catch {
      // An entry that is no descriptor; whoever asks for it is told so.
      return undefined;
    }
  }
}
