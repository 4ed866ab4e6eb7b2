import { readVerified, type Source } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import {
  type Descriptor,
  formatPlatform,
  isManifestType,
  type Manifest,
  matchesPlatform,
  MAX_MANIFEST_SIZE,
  parseJson,
  parseManifest,
  parsePlatform,
  type Platform,
} from "../../lib/oci/mod.ts";
import { hostPlatform } from "../../lib/runtime/process.ts";
import type { OpenedImage } from "./open_image.ts";

/** A manifest, read and checked. */
export interface ReadManifest {
  descriptor: Descriptor;
  bytes: Uint8Array;
  manifest: Manifest;
}

/** A manifest of an image, with the platform that its index says it is for. */
export interface PlatformManifest extends ReadManifest {
  platform: Platform | undefined;
}

/** Configs that say what platform their image is for (image-spec 1.1, config.md). */
const CONTAINER_CONFIGS = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
];

/** How deep indexes may stand in indexes. */
const MAX_DEPTH = 4;

/** Reads a manifest. */
export async function readManifest(
  source: Source,
  descriptor: Descriptor,
  signal: AbortSignal,
  known?: Uint8Array,
): Promise<ReadManifest> {
  const bytes = known ?? await readVerified(source.fetch(descriptor, { signal }), descriptor, MAX_MANIFEST_SIZE);
  return { descriptor, bytes, manifest: parseManifest(bytes, descriptor.mediaType, descriptor.digest) };
}

/** The manifests that an index lists, those of BuildKit's attestations aside. */
export function listedManifests({ kind, children }: Manifest): Descriptor[] {
  if (kind !== "index") return [];
  return children.filter(({ mediaType, platform }) => isManifestType(mediaType) && platform?.os !== "unknown");
}

/**
 * Finds the manifest for a platform.
 *
 * @param wanted `undefined` for this host's, or else the first that there is
 * @returns `undefined` if there is no manifest at all
 * @throws {SatchelError} `not-found` if there is none for what was wanted, and whatever the source throws
 */
export async function choosePlatform(
  image: OpenedImage,
  root: ReadManifest,
  wanted: Platform | undefined,
  signal: AbortSignal,
): Promise<PlatformManifest | undefined> {
  if (wanted) await checkOwnPlatform(image.source, root, wanted, signal);
  let at: PlatformManifest = { ...root, platform: undefined };
  for (let depth = 0; at.manifest.kind === "index"; depth++) {
    const chosen = chooseChild(listedManifests(at.manifest), wanted, image.platforms);
    if (!chosen) return undefined;
    if (depth === MAX_DEPTH) {
      throw new SatchelError("invalid", `${image.name}: more than ${MAX_DEPTH} indexes in one another`);
    }
    at = { ...await readManifest(image.source, chosen, signal), platform: chosen.platform };
  }
  return at;
}

/** A container image without an index says in its config what it is for. */
async function checkOwnPlatform(
  source: Source,
  { manifest: { kind, children } }: ReadManifest,
  wanted: Platform,
  signal: AbortSignal,
): Promise<void> {
  const [config] = children;
  if (kind !== "image" || !CONTAINER_CONFIGS.includes(config.mediaType)) return;
  const bytes = await readVerified(source.fetch(config, { signal }), config, MAX_MANIFEST_SIZE);
  const platform = parsePlatform(parseJson(bytes, config.digest));
  if (platform && !matchesPlatform(platform, wanted)) throw nothingFor(wanted, [platform]);
}

function nothingFor(wanted: Platform, all: readonly Platform[]): SatchelError {
  const listed = all.map(formatPlatform).slice(0, 20).join(", ");
  return new SatchelError("not-found", `there is nothing for ${formatPlatform(wanted)} in it; it is for ${listed}`);
}

function chooseChild(
  children: readonly Descriptor[],
  wanted: Platform | undefined,
  there: readonly Platform[] | undefined,
): Descriptor | undefined {
  const matching = (platform: Platform) =>
    children.find((child) => child.platform && matchesPlatform(child.platform, platform));
  if (!wanted) {
    const [os, architecture] = hostPlatform().split("/");
    const isThere = (child: Descriptor | undefined) =>
      !there || (child?.platform && there.some((each) => matchesPlatform(child.platform!, each)));
    // Gadgets are for Linux, wherever they are looked at.
    const usual = matching({ os, architecture }) ?? matching({ os: "linux", architecture });
    return usual && isThere(usual) ? usual : children.find(isThere) ?? children[0];
  }
  const listed = children.flatMap(({ platform }) => platform ?? []);
  const found = matching(wanted) ?? (listed.length === 0 ? children[0] : undefined);
  if (found || children.length === 0) return found;
  throw nothingFor(wanted, listed);
}
