import { hasCode } from "../error.ts";
import { canonicalRegistry, type Descriptor, type Digest } from "../oci/mod.ts";
import { manifestReader, walkGraph } from "./graph.ts";
import { type IndexFile, loadIndex } from "./index_file.ts";
import type { Layout } from "./layout.ts";
import { referenceOf } from "./names.ts";

/**
 * Tells which repositories of a registry should hold a piece of content, by the names in the store. It is a guess, to be
 * tried and given up without an error. The store is read at the first question.
 */
export function repositoriesHolding(layout: Layout, registry: string): (descriptor: Descriptor) => readonly string[] {
  let holders: Map<Digest, string[]> | undefined;
  return ({ digest }) => {
    holders ??= findHolders(layout, canonicalRegistry(registry));
    return holders.get(digest) ?? [];
  };
}

function findHolders(layout: Layout, registry: string): Map<Digest, string[]> {
  const holders = new Map<Digest, string[]>();
  const reader = manifestReader(layout);
  for (const { name, descriptor } of entriesOf(layout)) {
    const reference = name === undefined ? undefined : referenceOf(name);
    if (!descriptor || !reference || canonicalRegistry(reference.registry) !== registry) continue;
    for (const node of walkGraph([descriptor], reader)) {
      const { digest } = node.descriptor;
      const repositories = holders.get(digest) ?? [];
      if (!repositories.includes(reference.repository)) holders.set(digest, [...repositories, reference.repository]);
    }
  }
  return holders;
}

/** A guess needs no lock: an index that another process is just writing counts as empty. */
function entriesOf(layout: Layout): IndexFile["entries"] {
  try {
    return loadIndex(layout).entries;
  } catch (error) {
    if (!hasCode(error, "invalid")) throw error;
    return [];
  }
}
