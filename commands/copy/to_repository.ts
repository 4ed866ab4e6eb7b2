import { copy, type Source, type Target } from "../../lib/content/mod.ts";
import type { Descriptor } from "../../lib/oci/mod.ts";
import { openTarget, type RepositoryEnd } from "./destination.ts";
import { guardSource, guardTarget } from "./guard.ts";
import type { CopyContext, CopyJob } from "./job.ts";
import { type Copied, type CopyOutcome, forEachJob } from "./outcome.ts";
import { choosePlatforms } from "./platform_choice.ts";

/**
 * Copies images one after the other to a registry, a store or a folder.
 *
 * @param jobs those of one copy, which have the same repository, at either end
 * @throws {SatchelError} `cancelled`, and what tells that the end cannot be used at all
 */
export async function copyToRepository(
  jobs: readonly CopyJob[],
  end: RepositoryEnd,
  context: CopyContext,
): Promise<CopyOutcome> {
  const target = await openTarget(end, jobs[0], context);
  const { done, failures } = await forEachJob(jobs, context, (job) => copyOne(job, target, context));
  return { copied: done, failures };
}

async function copyOne(job: CopyJob, opened: Source & Target, context: CopyContext): Promise<Copied> {
  const { request, settings, reporter, signal } = context;
  const { image, to } = job;
  let root: Descriptor | undefined;
  const source = guardSource(job, context, (found) => root = found);
  const target = guardTarget(job, opened, { place: opened, source: image.source }, context, () => root!);
  const { only, others } = await choosePlatforms(image, source, context);
  // On a registry an image is there under its digest without being named so.
  const tag = request.to.kind === "registry" ? to.tag : to.digest ?? to.tag;
  const result = await copy(source, image.from, target, {
    signal,
    referrers: request.choice.referrers,
    onWarning: reporter.warn,
    ...(only && { platforms: only }),
    ...(tag !== undefined && { tag }),
    ...(settings.concurrency !== undefined && { concurrency: settings.concurrency }),
    onProgress(event) {
      context.arrived.bytes += event.bytes;
      reporter.progress?.(event);
    },
  });
  return { ...result, job, others, ...(only && { only }) };
}
