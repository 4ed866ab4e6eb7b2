import { imageReference } from "../content/mod.ts";
import { canonicalRegistry, type Descriptor, type Digest } from "../oci/mod.ts";
import { manifestReader, walkGraph } from "./graph.ts";
import { type IndexEntry, readIndex } from "./index_file.ts";
import type { Layout } from "./layout.ts";

/** Tells the repositories of one registry that should hold a piece of content; none if nothing is known. */
export type RepositoriesHolding = (descriptor: Descriptor) => readonly string[];

/**
 * Tells which repositories of a registry should hold a piece of content, by the names in the store. It is a guess, to be
 * tried and given up without an error. The manifests are read at the first question.
 *
 * @throws {SatchelError} what {@link readIndex} throws
 */
export async function repositoriesHolding(
  layout: Layout,
  registry: string,
  signal: AbortSignal | undefined,
): Promise<RepositoriesHolding> {
  const { entries } = await readIndex(layout, signal);
  let holders: Map<Digest, string[]> | undefined;
  return ({ digest }) => {
    holders ??= findHolders(layout, entries, canonicalRegistry(registry));
    return holders.get(digest) ?? [];
  };
}

/** How many pieces of content are looked at: nothing else gets its turn meanwhile, and a guess is not worth more. */
const MAX_NODES = 100_000;

function findHolders(
  layout: Layout,
  entries: readonly IndexEntry[],
  registry: string,
): Map<Digest, string[]> {
  const holders = new Map<Digest, string[]>();
  const reader = manifestReader(layout, undefined);
  let left = MAX_NODES;
  for (const { name, descriptor } of entries) {
    const reference = name === undefined ? undefined : imageReference(name);
    if (!descriptor || !reference || canonicalRegistry(reference.registry) !== registry) continue;
    for (const node of walkGraph([descriptor], reader)) {
      if (left-- === 0) return holders;
      const { digest } = node.descriptor;
      const repositories = holders.get(digest) ?? [];
      if (!repositories.includes(reference.repository)) holders.set(digest, [...repositories, reference.repository]);
    }
  }
  return holders;
}
