import { isAmong, type Plan } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { formatPlatform, isManifestType, parseManifest, type Platform } from "../../lib/oci/mod.ts";

/**
 * Makes sure that an image is for what was asked for; one that does not say what it is for may be for anything.
 *
 * @throws {SatchelError} `not-found`
 */
export function checkPlatforms(all: readonly Platform[], wanted: readonly Platform[]): void {
  if (all.length === 0) return;
  const lacked = wanted.filter((each) => !all.some((one) => isAmong(one, [each])));
  if (lacked.length === 0) return;
  const list = (platforms: readonly Platform[]) => platforms.map(formatPlatform).join(", ");
  throw new SatchelError("not-found", `there is nothing for ${list(lacked)} in it; it is for ${list(all)}`);
}

/** Whether an index of it has parts that are not planned. */
export function leavesOut({ manifests }: Plan): boolean {
  const planned = new Set(manifests.map(({ descriptor }) => descriptor.digest));
  return manifests.some(({ descriptor, bytes }) => {
    const { kind, children } = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
    return kind === "index" &&
      children.some(({ digest, mediaType }) => isManifestType(mediaType) && !planned.has(digest));
  });
}
