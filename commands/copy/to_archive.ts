import {
  type ArchiveDraft,
  type ArchiveSink,
  type Destination,
  Drafter,
  openFileSink,
  openStreamSink,
  writeArchive,
} from "../../lib/archive/mod.ts";
import { contentOf, type Plan, planCopy, readingAhead, type Source } from "../../lib/content/mod.ts";
import { hasCode } from "../../lib/error.ts";
import { type Descriptor, type Digest, formatReference } from "../../lib/oci/mod.ts";
import { isStdout, openDestination } from "./destination.ts";
import type { ArchiveEnd } from "./ends.ts";
import { guardSource } from "./guard.ts";
import type { CopyContext, CopyJob } from "./job.ts";
import { type Copied, copyError, type CopyOutcome, forEachJob } from "./outcome.ts";
import { choosePlatforms, type PlatformChoice } from "./platform_choice.ts";

/** An image whose way into an archive is known. */
export interface PlannedCopy extends PlatformChoice {
  job: CopyJob;
  plan: Plan;
}

/** What images need, and one failure for each that cannot be copied. */
export interface CopyPlan {
  planned: PlannedCopy[];
  failures: unknown[];
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

/** Finds out what images need; nothing is written. */
export async function planCopies(jobs: readonly CopyJob[], context: CopyContext): Promise<CopyPlan> {
  const { done, failures } = await forEachJob(jobs, context, (job) => planOne(job, context));
  return { planned: done, failures };
}

async function planOne(job: CopyJob, context: CopyContext): Promise<PlannedCopy> {
  const { request, reporter, signal } = context;
  const source = guardSource(job, context);
  const choice = await choosePlatforms(job.image, source, context);
  const plan = await planCopy(source, job.image.from, {
    signal,
    referrers: request.choice.referrers,
    onWarning: reporter.warn,
    ...(choice.only && { platforms: choice.only }),
  });
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
  const destination = openDestination(end);
  const { planned, failures } = await planCopies(jobs, context);
  if (planned.length === 0) return { copied: [], failures };
  try {
    const draft = draftOf(planned);
    const digest = await writePlanned(planned, draft, destination, context);
    const archive = { file: end.path, digest, size: draft.size, isOnStdout: isStdout(destination) };
    return { copied: planned.map(copiedOf), failures, archive };
  } catch (error) {
    throw copyError(planned[0].job, error, context);
  }
}

/** All of an image goes into an archive, where nothing was before. */
function copiedOf({ plan, ...rest }: PlannedCopy): Copied {
  const contents = [...plan.manifests.map(({ descriptor }) => descriptor), ...plan.blobs];
  const transferred = { blobs: contents.length, bytes: contents.reduce((sum, { size }) => sum + size, 0) };
  return { ...rest, root: plan.root, transferred, present: { blobs: 0, bytes: 0 }, attachments: plan.attachments };
}

/** Puts planned images together to one archive. */
function draftOf(planned: readonly PlannedCopy[]): ArchiveDraft {
  const drafter = new Drafter();
  for (const { job, plan, only } of planned) {
    drafter.add({ name: formatReference(job.to), plan, ...(only && { platforms: only }) });
  }
  return drafter.finish();
}

/** Writes an archive, and begins anew where a mirror has given wrong bytes; what went into a pipe is gone. */
async function writePlanned(
  planned: readonly PlannedCopy[],
  draft: ArchiveDraft,
  destination: Destination,
  context: CopyContext,
): Promise<Digest> {
  const { source } = planned[0].job.image;
  for (let last: Descriptor | undefined;;) {
    try {
      return await writeOnce(planned, draft, destination, context, (descriptor) => last = descriptor);
    } catch (error) {
      if (!hasCode(error, "integrity") || destination.kind !== "file" || !last) throw error;
      if (!source.distrust?.(last)) throw error;
    }
  }
}

async function writeOnce(
  planned: readonly PlannedCopy[],
  draft: ArchiveDraft,
  destination: Destination,
  { settings: { concurrency }, reporter, signal: asked }: CopyContext,
  onFetch: (descriptor: Descriptor) => void,
): Promise<Digest> {
  const manifests = new Map(planned.flatMap(({ plan }) => plan.manifests).map((m) => [m.descriptor.digest, m.bytes]));
  const blobs = draft.files.flatMap(({ content }) => content instanceof Uint8Array ? [] : [content])
    .filter(({ digest }) => !manifests.has(digest));
  // What is on its way ahead is of no use any more when the writing has ended.
  const ended = new AbortController();
  const signal = AbortSignal.any([asked, ended.signal]);
  const ahead = readingAhead(planned[0].job.image.source, blobs, {
    signal,
    ...(concurrency !== undefined && { concurrency }),
  });
  const source: Pick<Source, "fetch"> = {
    fetch(descriptor, options) {
      onFetch(descriptor);
      const bytes = manifests.get(descriptor.digest);
      return bytes ? contentOf(bytes).open() : ahead.fetch(descriptor, options);
    },
  };
  try {
    await using sink = await openSink(destination, draft.size, signal);
    const onProgress = (done: number, total: number) => reporter.measure?.("Copying", done, total);
    const digest = await writeArchive(draft, source, sink, { signal, onProgress });
    await sink.finish();
    return digest;
  } finally {
    ended.abort();
  }
}

async function openSink(destination: Destination, size: number, signal: AbortSignal): Promise<ArchiveSink> {
  if (destination.kind === "file") return openFileSink(destination, { size, signal });
  return await openStreamSink(destination, { size, signal });
}
