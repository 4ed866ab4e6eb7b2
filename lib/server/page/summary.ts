import {
  CREATED_ANNOTATION,
  type Descriptor,
  formatPlatform,
  isJsonObject,
  isManifestType,
  type Manifest,
  parsePlatform,
  type Platform,
} from "../../oci/mod.ts";
import { type Kind, kindOf } from "./kind.ts";
import { MAX_LISTED_MANIFEST, type PageSource, readManifest, readSmallJson } from "./read.ts";

/** One platform of an image. */
export interface SummaryPlatform {
  /** `linux/arm64`. */
  label: string;
  /** Of its manifest, config and layers, in bytes; `undefined` if its manifest is not here. */
  size?: number;
}

/** What a list says of an image. It depends on nothing but the image's content. */
export interface Summary {
  kind: Kind;
  /** RFC 3339, as the image has it. */
  created?: string;
  platforms: readonly SummaryPlatform[];
  /** How many platforms there are beside these. */
  morePlatforms: number;
  /** Of an image that says nothing of platforms, in bytes. */
  size?: number;
  /** Whether all of it that was looked for is here. */
  isWhole: boolean;
}

/** How many platforms are looked at; official images of container engines have up to a dozen. */
const MAX_PLATFORMS = 12;

/** The longest text of a platform and of a time, in UTF-16 units. */
const MAX_TEXT = 60;

/** Sums up an image. Its parts are read: an index does not say how large its images are. */
export async function summarize(source: PageSource, descriptor: Descriptor, manifest: Manifest): Promise<Summary> {
  return manifest.kind === "index"
    ? await summarizeIndex(source, manifest)
    : await summarizeImage(source, descriptor, manifest);
}

/** The platforms of an index; entries that say of themselves that they are none are attestations of BuildKit. */
function platformEntries({ children }: Manifest): Descriptor[] {
  return children.filter(({ mediaType, platform }) => isManifestType(mediaType) && platform?.os !== "unknown");
}

/** `linux/arm64`, short enough to be shown. */
export function platformLabel(platform: Platform | undefined): string {
  return platform ? formatPlatform(platform).slice(0, MAX_TEXT) : "any platform";
}

/** How many bytes a manifest and what it points to have. */
export function wholeSize({ size }: Descriptor, { children }: Manifest): number {
  return children.reduce((sum, child) => sum + child.size, size);
}

/** When an artifact was made, as its annotation has it. */
export function createdOf(annotations: Readonly<Record<string, string>> | undefined): string | undefined {
  const created = annotations?.[CREATED_ANNOTATION];
  return created !== undefined && created.length <= MAX_TEXT ? created : undefined;
}

async function summarizeIndex(source: PageSource, index: Manifest): Promise<Summary> {
  const entries = platformEntries(index);
  const platforms: SummaryPlatform[] = [];
  let type = index.artifactType;
  let created = createdOf(index.annotations);
  let isWhole = true;
  for (const { digest, platform } of entries.slice(0, MAX_PLATFORMS)) {
    const read = await readManifest(source, digest, MAX_LISTED_MANIFEST);
    const label = platformLabel(platform);
    if (read.state !== "ok") {
      isWhole = false;
      platforms.push({ label });
      continue;
    }
    platforms.push({ label, size: wholeSize(read.descriptor, read.manifest) });
    type ??= read.manifest.artifactType;
    created ??= createdOf(read.manifest.annotations) ?? await configCreated(source, read.manifest);
  }
  return {
    kind: kindOf(type),
    ...(created !== undefined && { created }),
    platforms,
    morePlatforms: entries.length - platforms.length,
    isWhole,
  };
}

async function summarizeImage(source: PageSource, descriptor: Descriptor, manifest: Manifest): Promise<Summary> {
  const kind = kindOf(manifest.artifactType);
  const config = kind.isContainer ? await readConfig(source, manifest) : {};
  const created = createdOf(manifest.annotations) ?? config.created;
  const size = wholeSize(descriptor, manifest);
  return {
    kind,
    ...(created !== undefined && { created }),
    platforms: config.platform ? [{ label: platformLabel(config.platform), size }] : [],
    morePlatforms: 0,
    size,
    isWhole: true,
  };
}

async function configCreated(source: PageSource, manifest: Manifest): Promise<string | undefined> {
  return kindOf(manifest.artifactType).isContainer ? (await readConfig(source, manifest)).created : undefined;
}

/** What the config of a container image says (image-spec 1.1, config.md). */
async function readConfig(
  source: PageSource,
  { children: [config] }: Manifest,
): Promise<{ platform?: Platform; created?: string }> {
  const json = config && await readSmallJson(source, config.digest);
  if (!isJsonObject(json)) return {};
  const platform = parsePlatform(json);
  const isTime = typeof json.created === "string" && json.created.length <= MAX_TEXT;
  return { ...(platform && { platform }), ...(isTime && { created: json.created as string }) };
}
