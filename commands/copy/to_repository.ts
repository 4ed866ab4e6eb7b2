import { copy, type CopyResult } from "../../lib/content/mod.ts";
import { SatchelError, withContext } from "../../lib/error.ts";
import { formatReference } from "../../lib/oci/mod.ts";
import { openTarget, type RepositoryEnd } from "./destination.ts";
import { formatEnd } from "./ends.ts";
import { guardEnds } from "./guard.ts";
import type { CopyContext, CopyJob } from "./job.ts";
import { choosePlatforms, type PlatformChoice } from "./platform_choice.ts";

/** An image that is at the other end. */
export interface Copied extends CopyResult, PlatformChoice {
  job: CopyJob;
}

/** What became of the images. */
export interface CopyOutcome {
  copied: Copied[];
  /** One for each image that was not copied. */
  failures: unknown[];
}

/**
 * Copies images one after the other to a registry, a store or a folder; one that fails keeps no other from it.
 *
 * @throws {SatchelError} `cancelled`, and what tells that the end cannot be used at all
 */
export async function copyToRepository(
  jobs: readonly CopyJob[],
  end: RepositoryEnd,
  context: CopyContext,
): Promise<CopyOutcome> {
  const outcome: CopyOutcome = { copied: [], failures: [] };
  // All jobs of one copy have the same repository, at either end.
  const target = await openTarget(end, jobs[0], context);
  for (const job of jobs) {
    try {
      outcome.copied.push(await copyOne(job, target, context));
    } catch (error) {
      const failure = copyError(job, error, context);
      if (context.signal.aborted || !(error instanceof SatchelError)) throw failure;
      outcome.failures.push(failure);
    }
  }
  return outcome;
}

async function copyOne(
  job: CopyJob,
  opened: Awaited<ReturnType<typeof openTarget>>,
  context: CopyContext,
): Promise<Copied> {
  const { request, settings, reporter, signal } = context;
  const { image, to } = job;
  const { source, target } = guardEnds(job, opened, context);
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
    ...(reporter.progress && { onProgress: reporter.progress }),
  });
  return { ...result, job, others, ...(only && { only }) };
}

/** An error, with what was being copied. */
export function copyError({ image, to }: CopyJob, error: unknown, { request, signal }: CopyContext): unknown {
  const doing = `copying ${formatEnd(request.from, image.name)} to ${formatEnd(request.to, formatReference(to))}`;
  if (!signal.aborted) return withContext(doing, error);
  const hint = "What has arrived is kept: the same command goes on from there.";
  return new SatchelError("cancelled", `${doing}: interrupted`, { hint });
}
