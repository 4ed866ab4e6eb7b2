import { type Descriptor, type Digest, isManifestType, manifestKind, plainDescriptor } from "../oci/mod.ts";

/** A manifest that others list. */
export interface ListedChild {
  descriptor: Descriptor;
  /** The digests of the indexes that list it. */
  parents: Digest[];
}

/**
 * The manifests that indexes list, and those below them.
 *
 * @param roots manifests of any kind
 * @param read what an index lists: nothing, if it is damaged or missing
 */
export async function listedChildren(
  roots: Iterable<Descriptor>,
  read: (index: Descriptor) => Promise<readonly Descriptor[]>,
): Promise<ReadonlyMap<Digest, ListedChild>> {
  const children = new Map<Digest, ListedChild>();
  const queue = [...roots].filter(isIndex);
  const seen = new Set(queue.map(({ digest }) => digest));
  for (let index = queue.pop(); index; index = queue.pop()) {
    for (const child of await read(index)) {
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
