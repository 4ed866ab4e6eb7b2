import { type ArchiveDraft, checkSparse, type Destination, Drafter, writeArchive } from "../../lib/archive/mod.ts";
import { contentOf, type Plan, planCopy, readingAhead, type Source, tallyOf } from "../../lib/content/mod.ts";
import { hasCode } from "../../lib/error.ts";
import { type Descriptor, type Digest, formatReference } from "../../lib/oci/mod.ts";
import { archiveDestination, isStdout, openArchiveSink } from "../open/archive_destination.ts";
import { checkOutside } from "../open/outside_store.ts";
import type { ArchiveEnd } from "./ends.ts";
import { guardSource } from "./guard.ts";
import type { CopyContext, CopyJob } from "./job.ts";
import { type Copied, copyError, type CopyOutcome, forEachJob } from "./outcome.ts";
import { choosePlatforms, type PlatformChoice } from "./platform_choice.ts";

/** The most bytes of manifests that are kept in memory until they are written. */
const MAX_KEPT = 64 * 1024 * 1024;

/** An image whose way into an archive is known. */
export interface PlannedCopy extends PlatformChoice {
  job: CopyJob;
  plan: Plan;
}

/** An archive that was written. */
export interface WrittenArchive {
  /** As it was typed. */
  file: string;
  /** Of the whole archive, as its size in bytes. */
  digest: Digest;
  size: number;
  /** Whether it went to stdout, where nothing else may go then. */
  isOnStdout: boolean;
}

/** Finds out what an image needs; nothing is written. */
export async function planJob(job: CopyJob, context: CopyContext): Promise<PlannedCopy> {
  const { request, reporter, signal } = context;
  const source = guardSource(job, context);
  const choice = await choosePlatforms(job.image, source, context);
  const plan = await planCopy(source, job.image.from, {
    signal,
    referrers: request.choice.referrers,
    onWarning: reporter.warn,
    ...(choice.only && { platforms: choice.only }),
  });
  checkSparse(plan, job.image.platforms);
  return { ...choice, job, plan };
}

/**
 * Copies images, all of one source, into an archive, which has those that can be had.
 *
 * @throws {SatchelError} `cancelled`, and what keeps the archive from being written
 */
export async function copyToArchive(
  jobs: readonly CopyJob[],
  end: ArchiveEnd,
  context: CopyContext,
): Promise<CopyOutcome & { archive?: WrittenArchive }> {
  const destination = archiveDestination(end.path);
  checkOutside(destination, context.settings.store);
  const gathered = new Gathered();
  const { done, failures } = await forEachJob(jobs, context, async (job) => {
    const planned = await planJob(job, context);
    gathered.add(planned);
    return copiedOf(planned);
  });
  if (done.length === 0) return { copied: [], failures };
  try {
    const draft = gathered.finish();
    const digest = await writeDraft(draft, { source: jobs[0].image.source, gathered, destination }, context);
    const archive = { file: end.path, digest, size: draft.size, isOnStdout: isStdout(destination) };
    return { copied: done, failures, archive };
  } catch (error) {
    throw copyError(done[0].job, error, context);
  }
}

/** The plans of all images, of which no more is kept than the archive needs. */
class Gathered {
  /** Manifests that need not be fetched again. */
  readonly manifests = new Map<Digest, Uint8Array>();
  readonly #drafter = new Drafter();
  #bytes = 0;
  #torn: { error: unknown } | undefined;

  add({ job, plan, only }: PlannedCopy): void {
    try {
      this.#drafter.add({ name: formatReference(job.to), plan, ...(only && { platforms: only }) });
    } catch (error) {
      // It may have been taken in by half.
      this.#torn ??= { error };
      throw error;
    }
    for (const { descriptor: { digest, size }, bytes } of plan.manifests) {
      if (this.manifests.has(digest) || this.#bytes + size > MAX_KEPT) continue;
      this.#bytes += size;
      this.manifests.set(digest, bytes);
    }
  }

  finish(): ArchiveDraft {
    if (this.#torn) throw this.#torn.error;
    return this.#drafter.finish();
  }
}

/** All of an image goes into an archive, where nothing was before. */
function copiedOf({ plan, ...rest }: PlannedCopy): Copied {
  const contents = [...plan.manifests.map(({ descriptor }) => descriptor), ...plan.blobs];
  const transferred = tallyOf(contents);
  return { ...rest, root: plan.root, transferred, present: { blobs: 0, bytes: 0 }, attachments: plan.attachments };
}

/** Where a draft gets its content from, and where it goes. */
interface Writing {
  source: Source;
  gathered: Gathered;
  destination: Destination;
}

/** Writes an archive, and begins anew where a mirror has given wrong bytes; what went into a pipe is gone. */
async function writeDraft(draft: ArchiveDraft, writing: Writing, context: CopyContext): Promise<Digest> {
  const { source, destination } = writing;
  for (let last: Descriptor | undefined;;) {
    try {
      return await writeOnce(draft, writing, context, (descriptor) => last = descriptor);
    } catch (error) {
      if (!hasCode(error, "integrity") || destination.kind !== "file" || !last) throw error;
      if (!source.distrust?.(last)) throw error;
    }
  }
}

async function writeOnce(
  draft: ArchiveDraft,
  { source, gathered: { manifests }, destination }: Writing,
  { settings: { concurrency }, reporter, signal: asked }: CopyContext,
  onFetch: (descriptor: Descriptor) => void,
): Promise<Digest> {
  const contents = draft.files.flatMap(({ content }) => content instanceof Uint8Array ? [] : [content]);
  const order = contents.filter(({ digest }) => !manifests.has(digest));
  // What is on its way ahead is of no use any more when the writing has ended.
  const ended = new AbortController();
  const signal = AbortSignal.any([asked, ended.signal]);
  const ahead = readingAhead(source, order, {
    signal,
    ...(concurrency !== undefined && { concurrency }),
  });
  const noted: Pick<Source, "fetch"> = {
    fetch(descriptor, options) {
      onFetch(descriptor);
      const bytes = manifests.get(descriptor.digest);
      return bytes ? contentOf(bytes).open() : ahead.fetch(descriptor, options);
    },
  };
  try {
    await using sink = await openArchiveSink(destination, { size: draft.size, signal });
    const onProgress = (done: number, total: number) => reporter.measure?.("Copying", done, total);
    const digest = await writeArchive(draft, noted, sink, { signal, onProgress });
    await sink.finish();
    return digest;
  } finally {
    ended.abort();
  }
}
