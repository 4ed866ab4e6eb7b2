import type { ContentOptions } from "../content/mod.ts";
import { type Digest, isManifestType } from "../oci/mod.ts";
import { blobState, hasSize } from "./blobs.ts";
import { findAttachments, manifestReader, walkInTurns } from "./graph.ts";
import { readIndex } from "./index_file.ts";
import type { Layout } from "./layout.ts";
import { isImage } from "./survey.ts";

/** Options of {@link listContent}. */
export interface ContentListOptions extends ContentOptions {
  /** Whether bytes are hashed, and what is damaged is left out. Default: false. */
  check?: boolean;
}

/**
 * Lists the configs and layers of images with a name, and of what refers to them, that are there; sorted. Their sizes are
 * looked at, and their bytes if that is asked for.
 *
 * @throws {SatchelError} `invalid` if the index is broken, `storage`, `busy`, `cancelled`
 */
export async function listContent(layout: Layout, { signal, check }: ContentListOptions = {}): Promise<Digest[]> {
  const { entries } = await readIndex(layout, signal);
  const reader = manifestReader(layout, signal);
  const attachments = await findAttachments(entries, reader);
  const roots = entries.filter(isImage).map(({ descriptor }) => descriptor);
  const found = new Set<Digest>();
  for await (const { descriptor, isGuess } of walkInTurns(roots, reader, attachments.of)) {
    if (isGuess || isManifestType(descriptor.mediaType) || !hasSize(layout, descriptor)) continue;
    if (check && await blobState(layout, descriptor, { signal }) !== "ok") continue;
    found.add(descriptor.digest);
  }
  return [...found].sort();
}
