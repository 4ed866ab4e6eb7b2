import type { Descriptor, Digest } from "../oci/mod.ts";
import { readVerified } from "./bytes.ts";
import type { Commit, CopiedManifest, NamedManifest, Source } from "./content.ts";
import type { CopiedAttachment, CopyOptions } from "./copy_options.ts";
import { keepingNothing } from "./keeping_nothing.ts";
import { GraphWalk } from "./walk.ts";

/** A manifest of a plan, in hand. */
export interface PlannedManifest extends CopiedManifest {
  bytes: Uint8Array;
}

/** Everything that a copy would bring: the manifests themselves, and what configs and layers they need. */
export interface Plan {
  root: Descriptor;
  /** Each digest once, children before their parents; which of two brothers comes first is not said. */
  manifests: PlannedManifest[];
  /** Each digest once, in no order. */
  blobs: Descriptor[];
  /** As {@link Commit.names}. */
  names: NamedManifest[];
  attachments: CopiedAttachment[];
}

/**
 * Finds out what a copy would bring, by the copy's own walk: only manifests are read, and nothing is written.
 *
 * @param reference a tag or a digest on the source
 * @throws {SatchelError} whatever the source throws, `invalid` and `integrity` for its manifests
 */
export async function planCopy(source: Source, reference: string, options: CopyOptions = {}): Promise<Plan> {
  const bytes = new Map<Digest, Uint8Array>();
  let planned: Commit | undefined;
  const target = keepingNothing({
    // What is below a manifest is to be listed, not to be had.
    has: () => Promise.resolve(true),
    async push(descriptor, content) {
      bytes.set(descriptor.digest, await readVerified(content.open(), descriptor, descriptor.size));
    },
    commit(commit) {
      planned = commit;
      return Promise.resolve();
    },
  });
  const { root, attachments } = await new GraphWalk(source, target, options).run(reference);
  const { manifests, blobs, names } = planned!;
  return {
    root,
    manifests: manifests.map((manifest) => ({ ...manifest, bytes: bytes.get(manifest.descriptor.digest)! })),
    blobs,
    names,
    attachments,
  };
}
