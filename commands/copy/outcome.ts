import { asDamage } from "../../lib/archive/mod.ts";
import type { CopyResult } from "../../lib/content/mod.ts";
import { SatchelError, withContext } from "../../lib/error.ts";
import { formatReference } from "../../lib/oci/mod.ts";
import { formatEnd } from "./ends.ts";
import type { CopyContext, CopyJob } from "./job.ts";
import type { PlatformChoice } from "./platform_choice.ts";

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
 * Does something for each image; one that fails keeps no other from it.
 *
 * @returns what came of each, and the failures
 * @throws {SatchelError} `cancelled`
 */
export async function forEachJob<Job extends CopyJob, T>(
  jobs: readonly Job[],
  context: CopyContext,
  work: (job: Job) => Promise<T>,
): Promise<{ done: T[]; failures: unknown[] }> {
  const done: T[] = [];
  const failures: unknown[] = [];
  for (const job of jobs) {
    try {
      done.push(await work(job));
    } catch (error) {
      const failure = copyError(job, error, context);
      if (context.signal.aborted || !(error instanceof SatchelError)) throw failure;
      failures.push(failure);
    }
  }
  return { done, failures };
}

/** An error, with what was being copied. */
export function copyError({ image, to }: CopyJob, error: unknown, { request, signal }: CopyContext): unknown {
  const doing = `copying ${formatEnd(request.from, image.name)} to ${formatEnd(request.to, formatReference(to))}`;
  if (!signal.aborted) return withContext(doing, "path" in request.from ? asDamage(error) : error);
  if (request.to.kind === "archive") return new SatchelError("cancelled", `${doing}: interrupted; nothing was written`);
  const hint = "What has arrived is kept: the same command goes on from there.";
  return new SatchelError("cancelled", `${doing}: interrupted`, { hint });
}
