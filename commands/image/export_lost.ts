import { attachmentTags, fallbackTag, type Plan } from "../../lib/content/mod.ts";
import { hasCode, SatchelError } from "../../lib/error.ts";
import { type Descriptor, type Digest, isManifestType, parseManifest } from "../../lib/oci/mod.ts";
import type { Snapshot } from "../../lib/store/mod.ts";

/** How many digests are told. */
const MAX_TOLD = 5;

/**
 * Makes sure that all comes along which the store's list ties to a planned image. The plan itself has what could be read.
 *
 * @throws {SatchelError} `integrity` if a manifest of it is missing or damaged
 */
export async function checkAttachments({ manifests }: Plan, snapshot: Snapshot): Promise<void> {
  const planned = new Set(manifests.map(({ descriptor }) => descriptor.digest));
  for (const subject of planned) {
    for (const tag of attachmentTags(subject)) {
      const attachment = await listed(tag, snapshot);
      if (attachment && !planned.has(attachment.digest)) throw lost(tag, attachment, snapshot);
    }
    await checkFallback(subject, planned, snapshot);
  }
}

/** What only such an index names, and the store's own list does not, may have been deleted long ago. */
async function checkFallback(subject: Digest, planned: ReadonlySet<Digest>, snapshot: Snapshot): Promise<void> {
  const tag = fallbackTag(subject);
  const index = await listed(tag, snapshot);
  if (!index) return;
  const bytes = snapshot.readManifest(index);
  if (!bytes) throw lost(tag, index, snapshot);
  for (const child of parseManifest(bytes, index.mediaType, index.digest).children) {
    if (!isManifestType(child.mediaType) || planned.has(child.digest)) continue;
    if (!await listed(child.digest, snapshot)) continue;
    if (!snapshot.readManifest(child)) throw lost("a referrer", child, snapshot);
  }
}

async function listed(reference: string, snapshot: Snapshot): Promise<Descriptor | undefined> {
  try {
    return (await snapshot.resolve(reference)).descriptor;
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}

function lost(what: string, { digest }: Descriptor, { name }: Snapshot): SatchelError {
  return new SatchelError("integrity", `what belongs to it is lost: ${digest} (${what}) is missing in ${name}`, {
    hint: "Pull it again: that brings back what is missing. --referrers=false exports it without what belongs to it.",
  });
}

/** What to say of manifests that refer to something, and are missing themselves; `undefined` if there are none. */
export async function unknownLoss(snapshot: Snapshot, signal: AbortSignal): Promise<string | undefined> {
  const gone = await snapshot.gone({ signal });
  if (gone.length === 0) return undefined;
  const some = gone.slice(0, MAX_TOLD).map(({ digest }) => digest).join(", ");
  const more = gone.length > MAX_TOLD ? `, and ${gone.length - MAX_TOLD} more` : "";
  return `${snapshot.name} lists manifests that are missing or damaged, and nothing tells whether an image that is exported had them: ` +
    `${some}${more}. \`store gc\` forgets them`;
}
