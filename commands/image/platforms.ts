import { type Plan, readVerified, type Source } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import {
  type Descriptor,
  formatPlatform,
  isManifestType,
  matchesPlatform,
  MAX_MANIFEST_SIZE,
  parseJson,
  parseManifest,
  parsePlatform,
  type Platform,
} from "../../lib/oci/mod.ts";

/** Whether a platform is one of those that were asked for. */
export function isAmong(platform: Platform, wanted: readonly Platform[]): boolean {
  return wanted.some((each) => matchesPlatform(platform, each));
}

/** The platforms that an image says it is for: its index does, or its config. */
export async function platformsOf({ root, manifests }: Plan, source: Pick<Source, "fetch">): Promise<Platform[]> {
  const found = new Map<string, Platform>();
  for (const { descriptor, bytes } of manifests) {
    const { kind, children } = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
    const own = descriptor.digest === root.digest && kind === "image"
      ? [await platformOfConfig(children[0], source)]
      : [];
    const listed = kind === "index" ? children.map(({ platform }) => platform) : own;
    for (const platform of listed) {
      // BuildKit hides its attestations in an index behind a platform of this name.
      if (platform && platform.os !== "unknown") found.set(formatPlatform(platform), platform);
    }
  }
  return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([, platform]) => platform);
}

async function platformOfConfig(config: Descriptor, source: Pick<Source, "fetch">): Promise<Platform | undefined> {
  if (!/\.image(\.config)?\.v1\+json$/.test(config.mediaType) || config.size > MAX_MANIFEST_SIZE) return undefined;
  const bytes = await readVerified(source.fetch(config), config, MAX_MANIFEST_SIZE);
  return parsePlatform(parseJson(bytes, config.digest));
}

/**
 * Makes sure that an image is for what was asked for; one that does not say what it is for may be for anything.
 *
 * @throws {SatchelError} `not-found`
 */
export function checkPlatforms(all: readonly Platform[], wanted: readonly Platform[]): void {
  if (all.length === 0) return;
  const lacked = wanted.filter((each) => !all.some((one) => matchesPlatform(one, each)));
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
