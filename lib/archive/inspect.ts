import { type ByteStream, keepingNothing, readVerified, type Tally, tallyOf } from "../content/mod.ts";
import { hasCode } from "../error.ts";
import { type Descriptor, type Digest, formatPlatform, parseJson, parsePlatform, type Platform } from "../oci/mod.ts";
import type { Archive } from "./archive.ts";
import { surveyArchive, type SurveyedImage, type SurveyOptions } from "./survey.ts";

/** The largest config that is looked into for a platform, in bytes. */
const MAX_CONFIG_SIZE = 1024 * 1024;

/** The most bytes of configs that are looked into. */
const MAX_CONFIGS = 64 * 1024 * 1024;

/** An image of an archive, with what of it is there. */
export interface InspectedImage extends SurveyedImage {
  /** All that it consists of, what is left out included. */
  content: Tally;
  /** What of this the archive has not, as it says itself that it leaves out. */
  leftOut: Tally;
  /** What of this the archive has not, although it should. */
  missing: Tally;
}

/** What is in an archive. */
export interface Inspection {
  images: InspectedImage[];
  /** What the images need and the archive has, each digest once. */
  content: Tally;
  /** What the images need and the archive leaves out on purpose, as it says itself, each digest once. */
  leftOut: Tally;
  /** What the images need and the archive has not, although it should, each digest once. */
  missing: Tally;
}

/**
 * Finds out what is in an archive, by its list, its manifests, and where no index tells a platform, configs. Of an archive
 * that goes by once the rest is passed over, so as to learn what is there.
 *
 * @throws {SatchelError} `cancelled`, and what the archive throws
 */
export async function inspectArchive(archive: Archive, options: SurveyOptions = {}): Promise<Inspection> {
  const images = await surveyArchive(archive, options);
  const needed = new Map<Digest, Descriptor>();
  for (const { manifests, blobs } of images) for (const each of [...manifests, ...blobs]) needed.set(each.digest, each);
  const { absent, platforms } = await lookThrough(archive, images, options);
  // As verify sees it: which of more than that was lost, nobody can tell.
  const isLeftOut = absent.size <= (archive.leftOut ?? 0);
  const present = [...needed.values()].filter(({ digest }) => !absent.has(digest));
  return {
    images: images.map((image) => inspected(image, absent, isLeftOut, platforms)),
    content: tallyOf(present),
    ...told(tallyOf([...needed.values()].filter(({ digest }) => absent.has(digest))), isLeftOut),
  };
}

function told(absent: Tally, isLeftOut: boolean): Pick<Inspection, "leftOut" | "missing"> {
  const none = { blobs: 0, bytes: 0 };
  return isLeftOut ? { leftOut: absent, missing: none } : { leftOut: none, missing: absent };
}

function inspected(
  image: SurveyedImage,
  absent: ReadonlySet<Digest>,
  isLeftOut: boolean,
  platforms: ReadonlyMap<Digest, Platform>,
): InspectedImage {
  const own = image.config && platforms.get(image.config.digest);
  return {
    ...image,
    ...(image.platforms.length === 0 && own && { platforms: [own] }),
    content: tallyOf([...image.manifests, ...image.blobs]),
    ...told(tallyOf(image.blobs.filter(({ digest }) => absent.has(digest))), isLeftOut),
  };
}

/** What the blobs tell: which are not there, and platforms by the configs of images that are for one. */
interface LookedThrough {
  absent: ReadonlySet<Digest>;
  platforms: ReadonlyMap<Digest, Platform>;
}

async function lookThrough(
  archive: Archive,
  images: readonly SurveyedImage[],
  options: SurveyOptions,
): Promise<LookedThrough> {
  const blobs = new Map(images.flatMap((image) => image.blobs.map((blob) => [blob.digest, blob])));
  const { configs, take, platforms } = configTaker(images);
  if (archive.pour) {
    const missing = await pourConfigs(archive.pour, [...blobs.values()], configs, take, options);
    return { absent: new Set(missing.map(({ digest }) => digest)), platforms };
  }
  for (const config of configs.values()) {
    if (archive.holds(config)) await take(config, archive.source.fetch(config, options));
  }
  const absent = [...blobs.values()].filter((blob) => !archive.holds(blob));
  return { absent: new Set(absent.map(({ digest }) => digest)), platforms };
}

async function pourConfigs(
  pour: NonNullable<Archive["pour"]>,
  blobs: readonly Descriptor[],
  configs: ReadonlyMap<Digest, Descriptor>,
  take: (config: Descriptor, bytes: ByteStream) => Promise<void>,
  { signal }: SurveyOptions,
): Promise<Descriptor[]> {
  const target = keepingNothing({
    has: ({ digest }) => Promise.resolve(!configs.has(digest)),
    push: (config, content) => take(config, content.open()),
  });
  // What is damaged is there; to find damage is another command's business.
  return (await pour(target, blobs, { signal, onDamaged: () => {} })).missing;
}

/** Reads platforms out of the configs of images that are for one platform. */
function configTaker(images: readonly SurveyedImage[]) {
  const configs = new Map<Digest, Descriptor>();
  const platforms = new Map<Digest, Platform>();
  let bytes = 0;
  for (const { config } of images) {
    if (!config || configs.has(config.digest) || config.size > MAX_CONFIG_SIZE) continue;
    bytes += config.size;
    if (bytes <= MAX_CONFIGS) configs.set(config.digest, config);
  }
  const take = async (config: Descriptor, stream: ByteStream) => {
    const platform = await readConfig(config, stream);
    if (platform) platforms.set(config.digest, platform);
  };
  return { configs, platforms, take };
}

async function readConfig(config: Descriptor, stream: ByteStream): Promise<Platform | undefined> {
  try {
    const platform = parsePlatform(parseJson(await readVerified(stream, config, MAX_CONFIG_SIZE), config.digest));
    return platform && formatPlatform(platform) !== "/" ? platform : undefined;
  } catch (error) {
    if (hasCode(error, "invalid") || hasCode(error, "integrity")) return undefined;
    throw error;
  }
}
