import { type Descriptor, type Manifest, matchesPlatform, type Platform } from "../oci/mod.ts";

/**
 * What of a manifest's parts is for some platforms: of an index, the manifests for these, and those that name no real
 * platform, as BuildKit's attestations do; of anything else, all.
 *
 * @param wanted `undefined` for all platforms
 */
export function childrenFor(wanted: readonly Platform[] | undefined, { kind, children }: Manifest): Descriptor[] {
  if (!wanted || kind !== "index") return children;
  return children.filter(({ platform }) => !platform || platform.os === "unknown" || isWanted(platform, wanted));
}

function isWanted(platform: Platform, wanted: readonly Platform[]): boolean {
  return wanted.some((each) => matchesPlatform(platform, each));
}
