import type { ContentOptions } from "../content/mod.ts";
import { type Digest, isManifestType } from "../oci/mod.ts";
import { hasSize } from "./blobs.ts";
import { findAttachments, manifestReader, walkInTurns } from "./graph.ts";
import { readIndex } from "./index_file.ts";
import type { Layout } from "./layout.ts";
import { isImage } from "./survey.ts";

/**
 * Lists the configs and layers of images with a name, and of what refers to them, that are there; sorted. Their sizes are
 * looked at, not their bytes.
 *
 * @throws {SatchelError} `invalid` if the index is broken, `storage`, `busy`, `cancelled`
 */
export async function listContent(layout: Layout, { signal }: ContentOptions = {}): Promise<Digest[]> {
  const { entries } = await readIndex(layout, signal);
  const reader = manifestReader(layout, signal);
  const attachments = await findAttachments(entries, reader);
  const roots = entries.filter(isImage).map(({ descriptor }) => descriptor);
  const found = new Set<Digest>();
  for await (const { descriptor, isGuess } of walkInTurns(roots, reader, attachments.of)) {
    if (!isGuess && !isManifestType(descriptor.mediaType) && hasSize(layout, descriptor)) found.add(descriptor.digest);
  }
  return [...found].sort();
}
