import {
  type CopiedAttachment,
  type CopiedManifest,
  type NamedManifest,
  planCopy,
  type Source,
  type Target,
} from "../../content/mod.ts";
import { SatchelError, throwIfCancelled, withContext } from "../../error.ts";
import { type Descriptor, formatReference, type Platform, type Reference } from "../../oci/mod.ts";
import type { Archive } from "../archive.ts";
import type { ImportOptions, ImportTarget } from "./options.ts";
import { archiveError } from "../damage.ts";
import { lackError } from "./lack.ts";
import type { NamedImage } from "./naming.ts";
import { imageKey, rootedSource } from "../source.ts";
import { checkSparse } from "../sparse.ts";

/** A name that something is to have which belongs to an image; as {@link NamedManifest}, without its bytes. */
export type AttachmentName = Pick<NamedManifest, "tag" | "descriptor">;

/** An image that is to be imported, and all that it needs. */
export interface PlannedImage {
  reference: Reference;
  root: Descriptor;
  platforms?: readonly Platform[];
  /** Configs and layers. */
  blobs: readonly Descriptor[];
  manifests: readonly CopiedManifest[];
  /** All of these. */
  contents: readonly Descriptor[];
  attachments: readonly CopiedAttachment[];
  attachmentNames: readonly AttachmentName[];
}

/** What is to be imported, and why other images cannot be. */
export interface ImportPlan {
  planned: PlannedImage[];
  failures: unknown[];
}

/** Finds out what images need; each that cannot be read is a failure of its own. */
export async function planImages(
  archive: Archive,
  images: readonly NamedImage[],
  target: ImportTarget,
  options: ImportOptions,
): Promise<ImportPlan> {
  const planner = new Planner(archive, options);
  const plan: ImportPlan = { planned: [], failures: [] };
  for (const { image, reference } of images) {
    throwIfCancelled(options.signal);
    const { descriptor: root, platforms } = image;
    try {
      const needs = await planner.needs(root, platforms, target.repository(reference), formatReference(reference));
      plan.planned.push({ reference, root, ...(platforms && { platforms }), ...needs });
    } catch (error) {
      throwIfCancelled(options.signal);
      if (!(error instanceof SatchelError)) throw error;
      // Without what it was thrown with: that leads to all that was under way, and there may be many of them.
      plan.failures.push(new SatchelError(error.code, error.message, { hint: error.hint }));
    }
  }
  return plan;
}

type Needs = Omit<PlannedImage, "reference" | "root" | "platforms">;

/** Plans images of one archive; what several of them share is in memory once. */
class Planner {
  readonly #archive: Archive;
  readonly #options: ImportOptions;
  readonly #plans = new Map<string, Needs>();
  readonly #descriptors = new Map<string, Descriptor>();

  constructor(archive: Archive, options: ImportOptions) {
    this.#archive = archive;
    this.#options = options;
  }

  async needs(
    root: Descriptor,
    platforms: readonly Platform[] | undefined,
    target: Target,
    name: string,
  ): Promise<Needs> {
    const key = imageKey({ descriptor: root, platforms });
    const known = this.#plans.get(key) ?? await this.#plan(root, platforms, target, name);
    this.#plans.set(key, known);
    return known;
  }

  async #plan(
    root: Descriptor,
    platforms: readonly Platform[] | undefined,
    target: Target,
    name: string,
  ): Promise<Needs> {
    const { signal, referrers, onWarning } = this.#options;
    // A walk costs a hundred times the memory, and a list may have any number of such entries.
    if (!this.#archive.holds(root) && !await target.readManifest(root, { signal })) {
      throw lackError(name, this.#archive, [root]);
    }
    const missing = new WeakMap<SatchelError, Descriptor>();
    const source = rootedSource(sourceOrTarget(this.#archive, target, missing), root);
    try {
      const plan = await planCopy(source, root.digest, { signal, referrers, platforms, onWarning });
      checkSparse(plan, platforms);
      const blobs = plan.blobs.map((blob) => this.#shared(blob));
      return {
        blobs,
        // Without their bytes, which are in the archive.
        manifests: plan.manifests.map(({ descriptor, subject }) => ({ descriptor, ...(subject && { subject }) })),
        contents: [...blobs, ...plan.manifests.map(({ descriptor }) => descriptor)],
        attachments: plan.attachments,
        attachmentNames: plan.names.map(({ tag, descriptor }) => ({ tag, descriptor })),
      };
    } catch (error) {
      const lacked = error instanceof SatchelError ? missing.get(error) : undefined;
      throw lacked ? lackError(name, this.#archive, [lacked]) : withContext(name, archiveError(error));
    }
  }

  #shared(descriptor: Descriptor): Descriptor {
    const key = `${descriptor.mediaType} ${descriptor.digest} ${descriptor.size}`;
    const known = this.#descriptors.get(key) ?? descriptor;
    this.#descriptors.set(key, known);
    return known;
  }
}

/**
 * The archive, with manifests out of the target where it has left them out.
 *
 * @param missing told the manifest that an error is about which neither has
 */
function sourceOrTarget(archive: Archive, target: Target, missing: WeakMap<SatchelError, Descriptor>): Source {
  const { source } = archive;
  return {
    name: source.name,
    resolve: (reference, options) => source.resolve(reference, options),
    referrers: (subject, options) => source.referrers(subject, options),
    tags: (options) => source.tags(options),
    async *fetch(descriptor, options = {}) {
      if (archive.holds(descriptor)) return yield* source.fetch(descriptor, options);
      const bytes = await target.readManifest(descriptor, options);
      if (bytes) return yield bytes;
      const error = new SatchelError("not-found", `${descriptor.digest} is not in ${archive.name}`);
      missing.set(error, descriptor);
      throw error;
    },
  };
}
