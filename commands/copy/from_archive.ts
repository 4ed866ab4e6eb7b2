import { type Archive, importImages, type ImportTarget } from "../../lib/archive/mod.ts";
import { withContext } from "../../lib/error.ts";
import { type Descriptor, formatReference } from "../../lib/oci/mod.ts";
import type { ArchivedSource } from "./archive_source.ts";
import { openBatch, type RepositoryEnd } from "./destination.ts";
import { formatEnd } from "./ends.ts";
import { guardSource, guardTarget } from "./guard.ts";
import type { CopyContext, CopyJob } from "./job.ts";
import { copyError, type CopyOutcome, errorOfFolder, forEachJob } from "./outcome.ts";
import { choosePlatforms, type PlatformChoice } from "./platform_choice.ts";

/** An image that may be copied, as far as can be told before anything moves. */
interface Checked extends PlatformChoice {
  job: CopyJob<ArchivedSource>;
  root: Descriptor;
}

/**
 * Copies images out of an archive to a registry, a store or a folder; from one that goes by once, as it comes.
 *
 * @param jobs those of one copy, which have the same repository at the other end if that is a registry
 * @throws {SatchelError} `cancelled`, and what tells that one of the ends cannot be used at all
 */
export async function copyFromArchive(
  archive: Archive,
  jobs: readonly CopyJob<ArchivedSource>[],
  end: RepositoryEnd,
  context: CopyContext,
): Promise<CopyOutcome> {
  const target = await openBatch(end, jobs[0], context);
  const { done, failures } = await forEachJob(jobs, context, (job) => check(job, context));
  if (done.length === 0) return { copied: [], failures };
  try {
    const outcome = await importChecked(archive, done, target, context);
    return { copied: outcome.copied, failures: [...failures, ...outcome.failures] };
  } catch (error) {
    throw copyError(done[0].job, error, context);
  }
}

async function check(job: CopyJob<ArchivedSource>, context: CopyContext): Promise<Checked> {
  const source = guardSource(job, context);
  const choice = await choosePlatforms(job.image, source, context);
  const { descriptor: root } = await source.resolve(job.image.from, { signal: context.signal });
  return { ...choice, job, root };
}

async function importChecked(
  archive: Archive,
  checked: readonly Checked[],
  target: ImportTarget,
  context: CopyContext,
): Promise<CopyOutcome> {
  const { request, settings: { concurrency }, reporter, signal } = context;
  const byName = new Map(checked.map((each) => [formatReference(each.job.to), each]));
  const named = checked.map(({ job, only }) => {
    const { platforms: _, ...image } = job.image.archived;
    return { image: { ...image, ...(only && { platforms: only }) }, reference: job.to };
  });
  const { imported, failures } = await importImages(archive, named, target, {
    signal,
    referrers: request.choice.referrers,
    onWarning: reporter.warn,
    ...(concurrency !== undefined && { concurrency }),
    onProgress(done, total) {
      context.arrived.bytes = Math.max(done, context.arrived.bytes);
      reporter.measure?.("Copying", done, total);
    },
    guard(to, reference) {
      const { job, root } = byName.get(formatReference(reference))!;
      const ends = { place: target.repository(reference), ...(!archive.pour && { source: archive.source }) };
      return guardTarget(job, to, ends, context, () => root);
    },
  });
  const copied = imported.map(({ reference, root, attachments, new: transferred, present }) => {
    const { job, only, others } = byName.get(formatReference(reference))!;
    return { job, root, transferred, present, attachments: [...attachments], others, ...(only && { only }) };
  });
  const doing = `copying from ${formatEnd(request.from, "")}`;
  return { copied, failures: failures.map((error) => withContext(doing, errorOfFolder(error, context))) };
}
