import { type EntryNamed, type IndexEntry, renamed } from "./index_file.ts";

// The rules of the list in index.json, as pure functions: a name stands once; a digest stands as often as it has names,
// or once without one.

/** The entry that a name stands for; of several, the last one counts, as for `ig`. */
export function findName(entries: readonly IndexEntry[], name: string): IndexEntry | undefined {
  return entries.findLast((entry) => entry.name === name);
}

/** The list while many names are put into it: none of them costs a look at all others. */
export class EntryList {
  readonly #entries = new Set<IndexEntry>();
  readonly #byName = new Map<string, IndexEntry[]>();
  /** By whatever stands there as a digest: of entries that are not valid, too. */
  readonly #byDigest = new Map<unknown, Set<IndexEntry>>();

  constructor(entries: readonly IndexEntry[]) {
    for (const entry of entries) this.#add(entry);
  }

  get entries(): IndexEntry[] {
    return [...this.#entries];
  }

  /** The entry that a name stands for; of several, the last one. */
  find(name: string): IndexEntry | undefined {
    return this.#byName.get(name)?.at(-1);
  }

  /** All entries of one manifest. */
  ofDigest(digest: unknown): IndexEntry[] {
    return [...this.#byDigest.get(digest) ?? []];
  }

  /** Puts an entry of the same manifest and the same name in the place of another. */
  replace(entry: IndexEntry, by: IndexEntry): void {
    const alike = entry.name === undefined ? undefined : this.#byName.get(entry.name);
    this.#remove(entry);
    if (alike) alike.splice(alike.indexOf(entry), 1);
    this.#add(by);
  }

  /** Puts a name on a manifest; what had the name before stays in the list without it. */
  name(named: EntryNamed<string>): void {
    const replaced = this.#byName.get(named.name) ?? [];
    const unnamed = [...this.#byDigest.get(named.raw.digest) ?? []].filter(({ name }) => name === undefined);
    for (const entry of [...replaced, ...unnamed]) this.#remove(entry);
    this.#byName.delete(named.name);
    this.#add(named);
    for (const entry of replaced) this.list(renamed(entry, undefined));
  }

  /**
   * Lists a manifest without a name, unless it is in the list already. What its parent says of it, platform and annotations,
   * takes the place of an entry that says nothing: clients push the parts of an index before the index.
   */
  list(entry: IndexEntry): void {
    const alike = [...this.#byDigest.get(entry.raw.digest) ?? []];
    if (alike.length > 1 || alike.some((known) => known.name !== undefined || !saysMore(entry, known))) return;
    for (const known of alike) this.#remove(known);
    this.#add(entry);
  }

  #add(entry: IndexEntry): void {
    this.#entries.add(entry);
    const { name, raw: { digest } } = entry;
    const alike = this.#byDigest.get(digest);
    if (alike) alike.add(entry);
    else this.#byDigest.set(digest, new Set([entry]));
    if (name === undefined) return;
    const others = this.#byName.get(name);
    if (others) others.push(entry);
    else this.#byName.set(name, [entry]);
  }

  #remove(entry: IndexEntry): void {
    this.#entries.delete(entry);
    this.#byDigest.get(entry.raw.digest)?.delete(entry);
  }
}

/** Whether an entry says everything of a manifest that another one says, and something beside. */
function saysMore({ raw }: IndexEntry, { raw: known }: IndexEntry): boolean {
  return Object.keys(raw).length > Object.keys(known).length && Object.keys(known).every((member) => member in raw);
}

/** Lists manifests without a name, unless they are in the list already. */
export function withUntagged(entries: readonly IndexEntry[], added: readonly IndexEntry[]): IndexEntry[] {
  const list = new EntryList(entries);
  for (const entry of added) list.list(entry);
  return list.entries;
}

/** Takes names away; the manifests stay in the list. */
export function withoutNames(entries: readonly IndexEntry[], names: ReadonlySet<string>): IndexEntry[] {
  const isOne = ({ name }: IndexEntry) => name !== undefined && names.has(name);
  const unnamed = entries.filter(isOne).map((entry) => renamed(entry, undefined));
  return withUntagged(entries.filter((entry) => !isOne(entry)), unnamed);
}
