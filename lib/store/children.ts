import { type Descriptor, type Digest, isManifestType, manifestKind, plainDescriptor } from "../oci/mod.ts";
import type { ManifestReader } from "./graph.ts";

/** A manifest that others list. */
export interface ListedChild {
  descriptor: Descriptor;
  /** The digests of the indexes that list it. */
  parents: Digest[];
}

/** The manifests that these indexes list, and those below them; what is damaged or missing lists nothing. */
export async function readChildren(
  roots: Iterable<Descriptor>,
  reader: ManifestReader,
): Promise<ReadonlyMap<Digest, ListedChild>> {
  const children = new Map<Digest, ListedChild>();
  const queue = [...roots].filter(isIndex);
  const seen = new Set(queue.map(({ digest }) => digest));
  for (let index = queue.pop(); index; index = queue.pop()) {
    const turn = reader.turn();
    if (turn) await turn;
    for (const child of reader.read(index).manifest?.children ?? []) {
      if (!isManifestType(child.mediaType)) continue;
      const known = children.get(child.digest);
      if (known) known.parents.push(index.digest);
      else children.set(child.digest, { descriptor: plainDescriptor(child), parents: [index.digest] });
      if (!isIndex(child) || seen.has(child.digest)) continue;
      seen.add(child.digest);
      queue.push(child);
    }
  }
  return children;
}

function isIndex({ mediaType }: Descriptor): boolean {
  return manifestKind(mediaType) === "index";
}
