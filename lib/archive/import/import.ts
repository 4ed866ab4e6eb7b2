import pLimit, { type LimitFunction } from "p-limit";
import {
  type CopiedAttachment,
  KnownContent,
  rememberingTarget,
  type Source,
  type Tally,
  type Target,
} from "../../content/mod.ts";
import { hasCode, SatchelError, throwIfCancelled, withContext } from "../../error.ts";
import { type Descriptor, type Digest, formatReference, type Platform, type Reference } from "../../oci/mod.ts";
import type { Archive } from "../archive.ts";
import { archiveError } from "../damage.ts";
import { bringImage } from "./bring_image.ts";
import { lackError } from "./lack.ts";
import { Arrivals, committingInTurn, placedSource } from "./import_ends.ts";
import { lostBySubject, lostError } from "./lost.ts";
import type { NamedImage } from "./naming.ts";
import type { ImportOptions, ImportTarget } from "./options.ts";
import { planImages, type PlannedImage } from "./plan_images.ts";
import { Tallies } from "./tallies.ts";

/** How long what was copied waits for its names, in milliseconds: a change of a store's index rewrites all of it. */
const COMMIT_INTERVAL = 2000;

/** How many images are copied at the same time: of small ones, all wait for the disk together. Then names may be due. */
const IMAGES_PER_ROUND = 64;

/** How many images are asked about at the same time before they get their names. */
const GUARD_CONCURRENCY = 8;

/** How often images are copied again because somebody removed content of theirs meanwhile. */
const MAX_ATTEMPTS = 5;

/** An image that is at the target under its name. */
export interface ImportedImage {
  reference: Reference;
  /** Its manifest. */
  root: Descriptor;
  /** The platforms whose content there is, if the archive has left out others. */
  platforms?: readonly Platform[];
  /** What was not there before, and came with no image before this one. */
  new: Tally;
  /** What was there. */
  present: Tally;
  attachments: readonly CopiedAttachment[];
}

/** What became of an archive's images. */
export interface ImportResult {
  imported: ImportedImage[];
  /** One for each image that was not imported, or for what ended the whole. */
  failures: unknown[];
}

/**
 * Imports images: each of them whole, or not at all. What cannot be imported keeps no other from it.
 *
 * @throws {SatchelError} `cancelled`, and what tells that the archive or the target as a whole cannot be used
 */
export async function importImages(
  archive: Archive,
  images: readonly NamedImage[],
  target: ImportTarget,
  options: ImportOptions = {},
): Promise<ImportResult> {
  return await new Import(archive, target, options).run(images);
}

class Import {
  readonly #archive: Archive;
  readonly #target: ImportTarget;
  readonly #options: ImportOptions;
  readonly #source: Source;
  readonly #lost: ReturnType<typeof lostBySubject>;
  readonly #tallies: Tallies;
  readonly #arrivals: Arrivals;
  readonly #guardSlots: LimitFunction;
  #known = new KnownContent();
  /** What the archive has with wrong bytes. */
  readonly #damaged = new Map<Digest, SatchelError>();
  /** What the target has with wrong bytes, and the archive has not. */
  readonly #damagedThere = new Set<Digest>();
  /** Why a stream ended before its end. */
  #broken?: SatchelError;
  readonly #result: ImportResult = { imported: [], failures: [] };
  /** Copied, without a name yet. */
  #waiting: { planned: PlannedImage; imported: ImportedImage }[] = [];
  #committed = performance.now();

  constructor(archive: Archive, target: ImportTarget, options: ImportOptions) {
    this.#archive = archive;
    this.#source = placedSource(archive);
    this.#lost = lostBySubject(archive);
    this.#target = target;
    this.#options = options;
    this.#tallies = new Tallies(options.onProgress);
    this.#arrivals = new Arrivals(({ digest }) => this.#tallies.brought(digest), options.concurrency);
    this.#guardSlots = pLimit(Math.min(GUARD_CONCURRENCY, options.concurrency ?? GUARD_CONCURRENCY));
  }

  async run(images: readonly NamedImage[]): Promise<ImportResult> {
    const { planned, failures } = await planImages(this.#archive, images, this.#target, this.#options);
    this.#result.failures.push(...failures);
    const [first] = planned;
    if (!first) return this.#result;
    this.#tallies.expect(planned);
    // Before anything long is begun.
    await this.#target.repository(first.reference).prepare(this.#options);
    const lacking = await this.#findLacking(planned);
    const whole = planned.filter((image) => !this.#isLacking(image, lacking));
    for (let at = 0; at < whole.length; at += IMAGES_PER_ROUND) {
      await this.#copyAll(whole.slice(at, at + IMAGES_PER_ROUND));
      if (performance.now() - this.#committed > COMMIT_INTERVAL) await this.#commit();
    }
    await this.#commit();
    if (this.#broken && this.#result.failures.length === 0) this.#result.failures.push(this.#broken);
    return this.#result;
  }

  /** Of what is to come, what neither the archive nor the target has. What a stream has goes to the target here. */
  async #findLacking(planned: readonly PlannedImage[]): Promise<ReadonlySet<Digest>> {
    const wanted = new Map<Digest, Descriptor>();
    for (const { blobs } of planned) for (const blob of blobs) wanted.set(blob.digest, blob);
    const target = this.#remembering(planned[0].reference);
    const missing = this.#archive.pour
      ? await this.#pour(target, [...wanted.values()])
      : [...wanted.values()].filter((blob) => !this.#archive.holds(blob));
    const lacking = new Set<Digest>();
    for (const blob of missing) {
      if (await target.has(blob, this.#options)) continue;
      lacking.add(blob.digest);
      if (this.#target.hasFile?.(blob.digest)) this.#damagedThere.add(blob.digest);
    }
    return lacking;
  }

  async #pour(target: Target, wanted: readonly Descriptor[]): Promise<Descriptor[]> {
    try {
      await this.#archive.pour!(target, wanted, {
        signal: this.#options.signal,
        onBytes: (bytes) => this.#tallies.receive(bytes),
        onDamaged: ({ digest }, error) => this.#damaged.set(digest, error),
      });
    } catch (error) {
      throwIfCancelled(this.#options.signal);
      if (!isAboutArchive(error)) throw error;
      // What came before is good.
      this.#broken = archiveError(error) as SatchelError;
    }
    for (const blob of wanted) if (this.#known.has(blob)) this.#tallies.arrived(blob.digest);
    return wanted.filter((blob) => !this.#known.has(blob));
  }

  #isLacking(image: PlannedImage, lacking: ReadonlySet<Digest>): boolean {
    const name = formatReference(image.reference);
    const damaged = image.blobs.find(({ digest }) => this.#damaged.has(digest));
    const lacks = image.blobs.filter(({ digest }) => lacking.has(digest));
    if (damaged) this.#result.failures.push(withContext(name, this.#damaged.get(damaged.digest)));
    else if (lacks.length > 0) this.#fail(name, lacks);
    return damaged !== undefined || lacks.length > 0;
  }

  #tellLost(planned: PlannedImage): void {
    if (this.#options.referrers === false) return;
    const error = lostError(formatReference(planned.reference), this.#archive.name, this.#lost, planned);
    if (error) this.#result.failures.push(error);
  }

  #fail(name: string, lacks: readonly Descriptor[]): void {
    const error = this.#broken
      ? withContext(name, this.#broken)
      : lackError(name, this.#archive, lacks, this.#damagedThere);
    this.#result.failures.push(error);
  }

  /** @throws what no other image would fare better with, once what is whole has its name */
  async #copyAll(images: readonly PlannedImage[]): Promise<void> {
    const end = await this.#copyRound(images);
    if (!end) return;
    await this.#commit();
    throw end.reason;
  }

  /**
   * Copies images at the same time: most of it is waiting for the disk, one manifest after the other.
   *
   * @returns why nothing more can be imported
   */
  async #copyRound(images: readonly PlannedImage[]): Promise<PromiseRejectedResult | undefined> {
    const ended = await Promise.allSettled(images.map((image) => this.#tryCopy(image)));
    throwIfCancelled(this.#options.signal);
    // In the order of the images, so that what counts as new for one of them is always the same.
    for (const [at, each] of ended.entries()) {
      if (each.status === "rejected") continue;
      if (each.value) this.#result.failures.push(each.value);
      else this.#wait(images[at]);
    }
    return ended.find((each) => each.status === "rejected");
  }

  #wait(planned: PlannedImage): void {
    const { reference, root, platforms, contents, attachments } = planned;
    const tallies = this.#tallies.claim(contents);
    const imported = { reference, root, ...(platforms && { platforms }), ...tallies, attachments };
    this.#waiting.push({ planned, imported });
  }

  /**
   * @returns why this image was not copied
   * @throws what no other image would fare better with
   */
  async #tryCopy(planned: PlannedImage): Promise<SatchelError | undefined> {
    const { signal } = this.#options;
    try {
      const target = this.#guarded(planned.reference);
      return void await bringImage(this.#source, planned, target, { tallies: this.#tallies, signal });
    } catch (error) {
      throwIfCancelled(signal);
      const failure = withContext(formatReference(planned.reference), error);
      if (hasCode(error, "storage") || hasCode(error, "busy") || !(failure instanceof SatchelError)) throw failure;
      return failure;
    }
  }

  #guarded(reference: Reference): Target {
    const target = this.#remembering(reference);
    const guarded = this.#options.guard?.(target, reference);
    return guarded ? committingInTurn(guarded, this.#guardSlots) : target;
  }

  #remembering(reference: Reference): Target {
    return rememberingTarget(this.#arrivals.at(this.#target.repository(reference)), this.#known);
  }

  /** Names what was copied; what vanished meanwhile is copied again. */
  async #commit(): Promise<void> {
    for (let attempt = 1; this.#waiting.length > 0; attempt++) {
      const waiting = this.#waiting;
      this.#waiting = [];
      try {
        await this.#target.commit({ signal: this.#options.signal });
        this.#result.imported.push(...waiting.map(({ imported }) => imported));
        for (const { planned } of waiting) this.#tellLost(planned);
      } catch (error) {
        if (!hasCode(error, "content-lost") || attempt === MAX_ATTEMPTS || this.#archive.pour) throw error;
        this.#known = new KnownContent();
        const end = await this.#copyRound(waiting.map(({ planned }) => planned));
        if (end) throw end.reason;
      }
    }
    this.#committed = performance.now();
  }
}

/** Whether an error tells what is wrong with the archive, rather than with the target. */
function isAboutArchive(error: unknown): error is SatchelError {
  return hasCode(error, "invalid") || hasCode(error, "integrity");
}
