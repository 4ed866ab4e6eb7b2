import type { CopiedAttachment } from "../../lib/content/mod.ts";
import { imageText } from "../output/output.ts";

/** How many manifests of each artifact type refer to an image. */
export function countReferrers(attachments: readonly CopiedAttachment[]): Record<string, number> {
  const referrers = new Map<string, number>();
  for (const { artifactType, descriptor } of attachments) {
    const type = imageText(artifactType ?? descriptor.mediaType);
    referrers.set(type, (referrers.get(type) ?? 0) + 1);
  }
  // In an order that does not depend on what was found first.
  return Object.fromEntries([...referrers].sort(([a], [b]) => a < b ? -1 : 1));
}
