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
  return replaced.reduce((list, entry) => withUntagged(list, renamed(entry, undefined)), [...others, named]);
}

/** Lists a manifest without a name, unless it is in the list already. */
export function withUntagged(entries: IndexEntry[], added: IndexEntry): IndexEntry[] {
  return entries.some((entry) => entry.raw.digest === added.raw.digest) ? entries : [...entries, added];
}

/** Takes a name away; the manifest stays in the list. */
export function withoutName(entries: readonly IndexEntry[], name: string): IndexEntry[] {
  const others = entries.filter((entry) => entry.name !== name);
  const unnamed = entries.filter((entry) => entry.name === name).map((entry) => renamed(entry, undefined));
  return unnamed.reduce(withUntagged, others);
}
