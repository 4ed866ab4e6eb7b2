import {
  type ContentOptions,
  type CopiedAttachment,
  type Plan,
  planCopy,
  type Source,
  Verifier,
} from "../content/mod.ts";
import { SatchelError, throwIfCancelled } from "../error.ts";
import {
  type Descriptor,
  formatPlatform,
  isManifestType,
  parseManifest,
  plainDescriptor,
  type Platform,
} from "../oci/mod.ts";
import type { Archive, ArchivedImage } from "./archive.ts";
import { type SignatureFormat, signatureFormat } from "./signature_format.ts";

/** An image of an archive, and all that it consists of, as far as its manifests tell. */
export interface SurveyedImage {
  image: ArchivedImage;
  /** Its manifests and what refers to it; each digest once. */
  manifests: readonly Descriptor[];
  /** Configs and layers, each digest once, whether they are there or not. */
  blobs: readonly Descriptor[];
  /** What its index lists that is of it: each platform once, sorted. Those of a sparse image's other platforms are not. */
  platforms: readonly Platform[];
  /** Of an image for one platform: where this stands. */
  config?: Descriptor;
  /** What refers to it, and to that. */
  attachments: readonly SurveyedAttachment[];
  /** Why it cannot be read; then all of the above is empty. */
  failure?: SurveyFailure;
}

/** Something that refers to an image. */
export interface SurveyedAttachment extends CopiedAttachment {
  /** If it looks like a signature, how it is kept. */
  signature?: SignatureFormat;
}

/** A manifest that is missing or damaged, so that it is not known what an image consists of. */
export interface SurveyFailure {
  error: SatchelError;
  /** The manifest, where it is one's fault. */
  descriptor?: Descriptor;
}

/** Configs that say what platform their image is for (image-spec 1.1, config.md). */
const CONFIG_TYPES: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
]);

/** Options of {@link surveyArchive}. */
export interface SurveyOptions extends ContentOptions {
  /** Told what is odd but no reason to stop, one sentence. */
  onWarning?: (message: string) => void;
}

type Found = Omit<SurveyedImage, "image">;

/**
 * Finds out what each image of an archive consists of; only manifests are read. An image that cannot be read does not keep
 * the others from it.
 *
 * @throws {SatchelError} `cancelled`
 */
export async function surveyArchive(archive: Archive, options: SurveyOptions = {}): Promise<SurveyedImage[]> {
  const known = new Map<string, Found>();
  const shared = new SharedDescriptors();
  const images: SurveyedImage[] = [];
  for (const image of archive.images) {
    throwIfCancelled(options.signal);
    const key = [image.descriptor.digest, ...image.platforms?.map(formatPlatform) ?? []].join(" ");
    const found = known.get(key) ?? await survey(archive, image, shared, options);
    known.set(key, found);
    images.push({ image, ...found });
  }
  return images;
}

async function survey(
  { source }: Archive,
  { descriptor, platforms }: ArchivedImage,
  shared: SharedDescriptors,
  { signal, onWarning }: SurveyOptions,
): Promise<Found> {
  const blamed = new Map<unknown, Descriptor>();
  try {
    const plan = await planCopy(blaming(source, blamed), descriptor.digest, { signal, platforms, onWarning });
    const config = configOf(plan);
    return {
      ...(config && { config }),
      manifests: plan.manifests.map((manifest) => shared.get(manifest.descriptor)),
      blobs: plan.blobs.map((blob) => shared.get(blob)),
      platforms: platformsOf(plan),
      attachments: attachmentsOf(plan),
    };
  } catch (error) {
    throwIfCancelled(signal);
    if (!(error instanceof SatchelError)) throw error;
    const manifest = blamed.get(error);
    const failure = { error, ...(manifest && { descriptor: plainDescriptor(manifest) }) };
    return { manifests: [], blobs: [], platforms: [], attachments: [], failure };
  }
}

/** A source that notes which manifest cannot be read, or is not what it should be. */
function blaming(source: Source, blamed: Map<unknown, Descriptor>): Source {
  return {
    ...source,
    async *fetch(descriptor, options) {
      try {
        const verifier = new Verifier(descriptor);
        for await (const chunk of source.fetch(descriptor, options)) {
          verifier.update(chunk);
          yield chunk;
        }
        verifier.finish();
      } catch (error) {
        blamed.set(error, descriptor);
        throw error;
      }
    },
  };
}

function attachmentsOf({ manifests, attachments }: Plan): SurveyedAttachment[] {
  const byDigest = new Map(manifests.map((manifest) => [manifest.descriptor.digest, manifest]));
  return attachments.map((attachment) => {
    const { mediaType, digest } = attachment.descriptor;
    const { annotations } = parseManifest(byDigest.get(digest)!.bytes, mediaType, digest);
    const signature = signatureFormat(attachment, annotations);
    return { ...attachment, ...(signature && { signature }) };
  });
}

/** The platforms of the manifests that an index has; what a referrer is for is no platform of the image. */
function platformsOf({ root, manifests }: Plan): Platform[] {
  const byDigest = new Map(manifests.map((manifest) => [manifest.descriptor.digest, manifest]));
  const platforms = new Map<string, Platform>();
  const visit = (digest: Descriptor["digest"]) => {
    const found = byDigest.get(digest);
    if (!found) return;
    const { kind, children } = parseManifest(found.bytes, found.descriptor.mediaType, digest);
    if (kind !== "index") return;
    for (const child of children) {
      if (!isManifestType(child.mediaType) || !byDigest.has(child.digest)) continue;
      // BuildKit's attestations stand beside the platforms as one that is unknown.
      if (!child.platform) visit(child.digest);
      else if (child.platform.os !== "unknown") platforms.set(formatPlatform(child.platform), child.platform);
    }
  };
  visit(root.digest);
  return [...platforms].sort(([a], [b]) => a < b ? -1 : 1).map(([, platform]) => platform);
}

function configOf({ root, manifests }: Plan): Descriptor | undefined {
  const found = manifests.find(({ descriptor }) => descriptor.digest === root.digest);
  if (!found) return undefined;
  const { kind, children } = parseManifest(found.bytes, root.mediaType, root.digest);
  return kind === "image" && CONFIG_TYPES.has(children[0].mediaType) ? plainDescriptor(children[0]) : undefined;
}

/** What many images share is in memory once. */
class SharedDescriptors {
  readonly #known = new Map<string, Descriptor>();

  get(descriptor: Descriptor): Descriptor {
    const key = `${descriptor.mediaType} ${descriptor.digest} ${descriptor.size}`;
    const known = this.#known.get(key) ?? plainDescriptor(descriptor);
    this.#known.set(key, known);
    return known;
  }
}
