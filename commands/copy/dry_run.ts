import { findLacking, KnownContent, type Tally, tallyOf, type Target } from "../../lib/content/mod.ts";
import { type Descriptor, type Digest, formatReference, isManifestType } from "../../lib/oci/mod.ts";
import { formatBytes } from "../../lib/terminal/mod.ts";
import { count } from "../output/count.ts";
import { openTarget } from "./destination.ts";
import { formatEnd } from "./ends.ts";
import type { CopyContext, CopyJob } from "./job.ts";
import { forEachJob } from "./outcome.ts";
import { planJob, type PlannedCopy } from "./to_archive.ts";

/** What would become of content. */
interface Moves {
  /** What would move, manifests included. */
  move: Tally;
  /** What a registry could take out of another repository of its own. */
  mount: Tally;
  /** What is there, or would come with an image before this one. */
  present: Tally;
}

/** What `-o json` prints of a dry run. Members are never renamed or removed, but more may come. */
export interface DryRunReport {
  images: ({
    /** The two ends, with whole names. */
    source: string;
    destination: string;
    /** The digest, media type and size (in bytes) of the manifest behind the name. */
    digest: Digest;
    mediaType: string;
    size: number;
  } & Moves)[];
  total: Moves;
}

/** Finds out what a copy would do. Manifests are read, the other end is asked what it has, and nothing is written anywhere. */
export async function dryRun(
  jobs: readonly CopyJob[],
  context: CopyContext,
): Promise<{ report: DryRunReport; failures: unknown[] }> {
  const { to } = context.request;
  // An archive is written anew.
  const target = to.kind === "archive" ? { has: () => Promise.resolve(false) } : await openTarget(to, jobs[0], context);
  const report: DryRunReport = { images: [], total: noMoves() };
  const known = new KnownContent();
  const { failures } = await forEachJob(jobs, context, async (job) => {
    const planned = await planJob(job, context);
    const moves = await movesOf(planned, target, known, context);
    report.images.push({ ...headOf(planned, context), ...moves });
    addMoves(report.total, moves);
  });
  return { report, failures };
}

/** The same for people. */
export function describeDryRun({ images, total }: DryRunReport): string {
  const lines = images.map(({ source, destination, ...moves }) =>
    `Would copy ${source} to ${destination}: ${describeMoves(moves)}\n`
  );
  if (images.length > 1) lines.push(`All of them: ${describeMoves(total)}\n`);
  return lines.join("");
}

function headOf({ job, plan: { root } }: PlannedCopy, { request }: CopyContext) {
  const { digest, mediaType, size } = root;
  return {
    source: formatEnd(request.from, job.image.name),
    destination: formatEnd(request.to, formatReference({ ...job.to, digest })),
    digest,
    mediaType,
    size,
  };
}

async function movesOf(
  { job, plan }: PlannedCopy,
  target: Pick<Target, "has">,
  known: KnownContent,
  { request, reporter, signal }: CopyContext,
): Promise<Moves> {
  const { lacking, present } = await findLacking(plan, target, { signal, known });
  const isSame = request.from.kind === "registry" && request.to.kind === "registry" &&
    job.image.reference?.registry === job.to.registry;
  const canMount = ({ mediaType }: Descriptor) => isSame && !isManifestType(mediaType);
  const moving = lacking.filter((each) => !canMount(each));
  for (const { digest, size } of moving) reporter.detail(`Would move ${digest} (${formatBytes(size)})`);
  return { move: tallyOf(moving), mount: tallyOf(lacking.filter(canMount)), present: tallyOf(present) };
}

function noMoves(): Moves {
  return { move: tallyOf([]), mount: tallyOf([]), present: tallyOf([]) };
}

function addMoves(total: Moves, moves: Moves): void {
  for (const key of ["move", "mount", "present"] as const) {
    total[key].blobs += moves[key].blobs;
    total[key].bytes += moves[key].bytes;
  }
}

function describeMoves({ move, mount, present }: Moves): string {
  const shown = ({ blobs, bytes }: Tally) => `${count(blobs, "blob")} (${formatBytes(bytes)})`;
  const mounted = mount.blobs > 0 ? `${shown(mount)} out of a repository of the same registry, ` : "";
  return `${shown(move)} would move, ${mounted}${shown(present)} are there`;
}
