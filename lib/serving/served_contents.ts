import { attachmentSubject, imageReference } from "../content/mod.ts";
import { compareBytes, type Descriptor, type Digest, formatRepository } from "../oci/mod.ts";
import type { RepositoryName } from "../server/mod.ts";
import { rememberedUnlessFailed } from "./remembered.ts";

/** Manifests under the names that a store or archives give them. */
export interface NamedContents {
  /** Full references, and the bare tags of attachments, in no order. */
  readonly names: readonly string[];
  /**
   * What a name stands for, exactly as it is in `names`.
   *
   * @throws {SatchelError} if that cannot be told
   */
  resolve(name: string): Promise<{ descriptor: Descriptor }>;
  /** The manifests that indexes list, with the digests of these indexes. */
  children(): Promise<ReadonlyMap<Digest, { parents: readonly Digest[] }>>;
}

/** What a server needs to know of names, sorted by repositories. */
export interface ServedContents {
  /** All repositories that have a name, in the order of their full names. */
  readonly repositories: readonly RepositoryName[];
  /** The name that a tag of a repository stands for. */
  nameOf(repository: RepositoryName, tag: string): string | undefined;
  /** All tags of a repository in their order, with those of what is attached to its images; `undefined` if there is no such repository. */
  tagsOf(repository: RepositoryName): Promise<readonly string[] | undefined>;
}

/** One repository. */
interface ServedRepository {
  name: RepositoryName;
  /** The full name by the tag. */
  tags: Map<string, string>;
  /** Tags of which there are several images, all with a digest in their names: nobody knows which one is meant. */
  unclear: Set<string>;
}

/** Sorts names by repositories. */
export function servedContents(contents: NamedContents): ServedContents {
  const repositories = new Map<string, ServedRepository>();
  for (const name of contents.names) addName(repositories, name);
  const sorted = [...repositories].sort(([a], [b]) => compareBytes(a, b)).map(([, { name }]) => name);
  const attached = rememberedUnlessFailed(() => attachedTags(contents, repositories.values()));
  return {
    repositories: sorted,
    nameOf: (repository, tag) =>
      repositories.get(formatRepository(repository))?.tags.get(tag) ??
        // Who may read one repository may read all, and cosign's tags are those of all.
        (attachmentSubject(tag) ? tag : undefined),
    async tagsOf(repository) {
      const full = formatRepository(repository);
      const found = repositories.get(full);
      if (!found) return undefined;
      const tags = new Set([...found.tags.keys(), ...(await attached()).get(full) ?? []]);
      return [...tags].sort(compareBytes);
    },
  };
}

/** Names by the rules of tools that have others cannot be asked for. */
function addName(repositories: Map<string, ServedRepository>, stored: string): void {
  const reference = imageReference(stored);
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

/** cosign's tags and fallback tags have no repository in a store: they are those of each that has their subject. */
async function attachedTags(
  contents: NamedContents,
  repositories: Iterable<ServedRepository>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const attachments = contents.names.filter((name) => attachmentSubject(name));
  if (attachments.length === 0) return new Map();
  const owners = new Owners(contents);
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
  readonly #contents: NamedContents;
  readonly #named = new Map<Digest, Set<string>>();
  /** The subjects of what lies under cosign's tags. */
  #subjects: Map<Digest, Digest[]> | undefined;

  constructor(contents: NamedContents) {
    this.#contents = contents;
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
    const parents = (await this.#contents.children()).get(digest)?.parents ?? [];
    this.#subjects ??= await this.#readSubjects();
    return [...parents, ...this.#subjects.get(digest) ?? []];
  }

  async #readSubjects(): Promise<Map<Digest, Digest[]>> {
    const subjects = new Map<Digest, Digest[]>();
    for (const name of this.#contents.names) {
      const subject = attachmentSubject(name);
      const digest = subject && await this.#digestOf(name);
      if (digest) subjects.set(digest, [...subjects.get(digest) ?? [], subject]);
    }
    return subjects;
  }

  async #digestOf(stored: string): Promise<Digest | undefined> {
    try {
      return (await this.#contents.resolve(stored)).descriptor.digest;
    } catch {
      // An entry that is no descriptor; whoever asks for it is told so.
      return undefined;
    }
  }
}
