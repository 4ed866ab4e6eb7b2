import { type IndexEntry, renamed } from "./index_file.ts";

// The rules of the list in index.json, as pure functions: a name stands once; a digest stands as often as it has names,
// or once without one.

/** The entry that a name stands for; of several, the last one counts, as for `ig`. */
export function findName(entries: readonly IndexEntry[], name: string): IndexEntry | undefined {
  return entries.findLast((entry) => entry.name === name);
}

/** Puts a name on a manifest; what had the name before stays in the list without it. */
export function withName(entries: readonly IndexEntry[], named: IndexEntry): IndexEntry[] {
  const replaced = entries.filter((entry) => entry.name === named.name);
  const others = entries.filter((entry) =>
    entry.name !== named.name && (entry.name !== undefined || entry.raw.digest !== named.raw.digest)
  );
  return withUntagged([...others, named], replaced.map((entry) => renamed(entry, undefined)));
}

/** Lists manifests without a name, unless they are in the list already. */
export function withUntagged(entries: readonly IndexEntry[], added: readonly IndexEntry[]): IndexEntry[] {
  const listed = new Set(entries.map((entry) => entry.raw.digest));
  const isNew = (entry: IndexEntry) => !listed.has(entry.raw.digest) && listed.add(entry.raw.digest);
  return [...entries, ...added.filter(isNew)];
}

/** Takes names away; the manifests stay in the list. */
export function withoutNames(entries: readonly IndexEntry[], names: ReadonlySet<string>): IndexEntry[] {
  const isOne = ({ name }: IndexEntry) => name !== undefined && names.has(name);
  const unnamed = entries.filter(isOne).map((entry) => renamed(entry, undefined));
  return withUntagged(entries.filter((entry) => !isOne(entry)), unnamed);
}
