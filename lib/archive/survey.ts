import {
  type ContentOptions,
  type CopiedAttachment,
  isAmong,
  listedPlatforms,
  type Plan,
  planCopy,
  type SignatureFormat,
  signatureFormat,
  type Source,
  Verifier,
} from "../content/mod.ts";
import { SatchelError, throwIfCancelled } from "../error.ts";
import { type Descriptor, parseManifest, plainDescriptor, type Platform } from "../oci/mod.ts";
import type { Archive, ArchivedImage } from "./archive.ts";
import { imageKey, notThere, rootedSource } from "./source.ts";
import { checkSparse } from "./sparse.ts";

/** An image of an archive, and all that it consists of, as far as its manifests tell. */
export interface SurveyedImage {
  image: ArchivedImage;
  /** Its manifests and what refers to it; each digest once. */
  manifests: readonly Descriptor[];
  /** Configs and layers, each digest once, whether they are there or not. */
  blobs: readonly Descriptor[];
  /** What its index lists that is of it: each platform once, sorted. Those of a sparse image's other platforms are not. */
  platforms: readonly Platform[];
  /** If no index tells a platform: where it may stand. */
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
    const key = imageKey(image);
    const found = known.get(key) ?? alone(await survey(archive, image, shared, options));
    known.set(key, found);
    images.push({ image, ...found });
  }
  return images;
}

/** An error of its own for a failure: what it was thrown with leads to all that was under way, of any number of images. */
function alone(found: Found): Found {
  if (!found.failure) return found;
  const { error: { code, message, hint }, descriptor } = found.failure;
  return { ...found, failure: { error: new SatchelError(code, message, { hint }), ...(descriptor && { descriptor }) } };
}

async function survey(
  { source, name, holds }: Archive,
  { descriptor, platforms }: ArchivedImage,
  shared: SharedDescriptors,
  { signal, onWarning }: SurveyOptions,
): Promise<Found> {
  const blamed = new Map<unknown, Descriptor>();
  try {
    // A walk costs a hundred times the memory, and a list may have any number of such entries.
    if (!holds(descriptor)) throw blame(blamed, descriptor, notThere(name, descriptor));
    const rooted = rootedSource(blaming(source, blamed), descriptor);
    const plan = await planCopy(rooted, descriptor.digest, { signal, platforms, onWarning });
    checkSparse(plan, platforms);
    const listed = listedPlatforms(plan);
    const [config] = listed.platforms.length === 0 ? listed.configs : [];
    return {
      ...(config && { config }),
      manifests: plan.manifests.map((manifest) => shared.get(manifest.descriptor)),
      blobs: plan.blobs.map((blob) => shared.get(blob)),
      platforms: platforms ? listed.platforms.filter((each) => isAmong(each, platforms)) : listed.platforms,
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

function blame<T>(blamed: Map<unknown, Descriptor>, descriptor: Descriptor, error: T): T {
  blamed.set(error, descriptor);
  return error;
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
