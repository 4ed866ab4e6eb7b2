import { archiveError } from "../../lib/archive/mod.ts";
import type { CopyResult } from "../../lib/content/mod.ts";
import { hasCode, SatchelError, withContext } from "../../lib/error.ts";
import { formatReference } from "../../lib/oci/mod.ts";
import { formatEnd, isFile } from "./ends.ts";
import type { CopyContext, CopyJob, CopyRequest } from "./job.ts";
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
export function copyError({ image, to }: CopyJob, error: unknown, context: CopyContext): unknown {
  const { request, signal } = context;
  const doing = `copying ${formatEnd(request.from, image.name)} to ${formatEnd(request.to, formatReference(to))}`;
  if (!signal.aborted) {
    const isDamage = "path" in request.from && hasCode(error, "invalid");
    return withContext(doing, errorOfFolder(isDamage ? archiveError(error) : withFileHint(error, request), context));
  }
  if (request.to.kind === "archive") return new SatchelError("cancelled", `${doing}: interrupted; nothing was written`);
  return new SatchelError("cancelled", `${doing}: interrupted`, {
    ...(context.arrived.bytes > 0 && { hint: "What has arrived is kept: the same command goes on from there." }),
  });
}

/** A folder that is copied to is kept like a store, but what would help the local store does not help it. */
export function errorOfFolder(error: unknown, { request: { to }, settings: { store } }: CopyContext): unknown {
  if (to.kind !== "dir" || !(error instanceof SatchelError) || error.message.includes(store)) return error;
  const { code, message, hint, remedy, cause } = error;
  if (remedy?.kind !== "other-store" && remedy?.kind !== "clean-store") return error;
  const instead = remedy.kind === "clean-store" ? "Free some space, or name another folder." : "Name another folder.";
  return new SatchelError(code, message, { hint: hint ?? instead, cause });
}

/** Whoever meant a file, and was understood to mean a name on a registry, is told how to say it. */
export function withFileHint(error: unknown, { from }: CopyRequest): unknown {
  if (!(error instanceof SatchelError) || from.kind !== "registry" || !isFile(from.text)) return error;
  const { code, message, cause } = error;
  return new SatchelError(code, message, { hint: `${from.text} is a file here: archive:${from.text}`, cause });
}
