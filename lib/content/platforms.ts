import {
  type Descriptor,
  type Digest,
  formatPlatform,
  type Manifest,
  matchesPlatform,
  MAX_MANIFEST_SIZE,
  parseJson,
  parseManifest,
  parsePlatform,
  plainDescriptor,
  type Platform,
} from "../oci/mod.ts";
import { readVerified } from "./bytes.ts";
import type { Source } from "./content.ts";
import type { Plan } from "./plan.ts";

/** Configs that say what platform their image is for (image-spec 1.1, config.md). */
const CONFIG_TYPES: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
]);

/** Whether a platform is one of those that are wanted. */
export function isAmong(platform: Platform, wanted: readonly Platform[]): boolean {
  return wanted.some((each) => matchesPlatform(platform, each));
}

/**
 * What of a manifest's parts is for some platforms: of an index, the manifests for these, and those that name no real
 * platform, as BuildKit's attestations do; of anything else, all.
 *
 * @param wanted `undefined` for all platforms
 */
export function childrenFor(wanted: readonly Platform[] | undefined, { kind, children }: Manifest): Descriptor[] {
  if (!wanted || kind !== "index") return children;
  return children.filter((child) => !isForPlatform(child) || isAmong(child.platform, wanted));
}

/** BuildKit's attestations stand in an index beside the platforms as one that is unknown. */
function isForPlatform(child: Descriptor): child is Descriptor & { platform: Platform } {
  return child.platform !== undefined && child.platform.os !== "unknown";
}

/** What the manifests of an image tell about the platforms that it is for. */
export interface ListedPlatforms {
  /** As its indexes list them, whether they are planned or not; each once, sorted. */
  platforms: Platform[];
  /** Of what no index tells a platform of: configs that may, each once. */
  configs: Descriptor[];
}

/** Finds out what the planned manifests tell about platforms; what a referrer is for is no platform of the image. */
export function listedPlatforms({ root, manifests }: Plan): ListedPlatforms {
  const planned = new Map(manifests.map((manifest) => [manifest.descriptor.digest, manifest]));
  const platforms = new Map<string, Platform>();
  const configs = new Map<Digest, Descriptor>();
  const visited = new Set<Digest>();
  const visit = (digest: Digest) => {
    const found = planned.get(digest);
    // Indexes may share what is below them.
    if (!found || visited.has(digest)) return;
    visited.add(digest);
    const { kind, children } = parseManifest(found.bytes, found.descriptor.mediaType, digest);
    if (kind === "image" && CONFIG_TYPES.has(children[0].mediaType)) {
      configs.set(children[0].digest, plainDescriptor(children[0]));
    }
    if (kind !== "index") return;
    for (const child of children) {
      if (isForPlatform(child)) platforms.set(formatPlatform(child.platform), child.platform);
      else if (!child.platform) visit(child.digest);
    }
  };
  visit(root.digest);
  return { platforms: sorted(platforms), configs: [...configs.values()] };
}

/**
 * The platforms that an image says it is for: its index does, or its config.
 *
 * @returns each once, sorted; none if it does not say
 * @throws {SatchelError} whatever the source throws, `integrity` and `invalid` for a config
 */
export async function platformsOf(plan: Plan, source: Pick<Source, "fetch">): Promise<Platform[]> {
  const { platforms, configs } = listedPlatforms(plan);
  const found = new Map(platforms.map((platform) => [formatPlatform(platform), platform]));
  for (const config of configs) {
    if (config.size > MAX_MANIFEST_SIZE) continue;
    const bytes = await readVerified(source.fetch(config), config, MAX_MANIFEST_SIZE);
    const platform = parsePlatform(parseJson(bytes, config.digest));
    if (platform) found.set(formatPlatform(platform), platform);
  }
  return sorted(found);
}

function sorted(platforms: ReadonlyMap<string, Platform>): Platform[] {
  return [...platforms].sort(([a], [b]) => a < b ? -1 : 1).map(([, platform]) => platform);
}
