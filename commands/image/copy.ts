import { hasCode, isCausedBy, SatchelError, withContext } from "../../lib/error.ts";
import { readPlatform } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/terminal/mod.ts";
import { checkDestination, nameJobs } from "../copy/destination.ts";
import { describeDryRun, dryRun } from "../copy/dry_run.ts";
import { readEnd } from "../copy/ends.ts";
import type { CopyContext, CopyJob, CopyRequest } from "../copy/job.ts";
import { type CopyOutcome, withFileHint } from "../copy/outcome.ts";
import { copyReport, describeCopied } from "../copy/report.ts";
import { copyFromArchive } from "../copy/from_archive.ts";
import { type CopySource, openSource } from "../copy/source.ts";
import { copyToArchive, type WrittenArchive } from "../copy/to_archive.ts";
import { copyToRepository } from "../copy/to_repository.ts";
import { isSet, listOf } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { servedLine } from "../open/remote.ts";
import { EXIT_FAILED } from "../output/exit.ts";
import { printFailures } from "../output/failures.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { openPolicyGate } from "../policy/gate.ts";
import { loadSettings } from "../settings/settings.ts";
import { tellDetails } from "./transfer.ts";

/** `satchel image copy SRC DST`: between registries, stores, archives and folders. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const request = readRequest(invocation);
  checkDestination(request);
  const { signal } = invocation;
  using reporter = openReporter(settings, signal);
  const [from, to] = invocation.arguments;
  if (!request.dryRun) reporter.status(`Copying ${from} to ${to}...`);
  await using plugins = await openCommandPlugins(settings, invocation, reporter);
  await using policy = await openPolicyGate(settings, invocation, reporter);
  const context: CopyContext = { request, settings, reporter, plugins, policy, signal, arrived: { bytes: 0 } };
  await using source = await opened(context, from);
  if (request.dryRun) return await printDryRun(nameJobs(source.images, context), context, invocation);
  const outcome = await copyAll(source, context);
  reporter.finish();
  if (!outcome) return EXIT_FAILED;
  if (!source.archive && source.served) reporter.detail(servedLine(source.served()));
  return await printOutcome(outcome, context, invocation);
}

async function opened(context: CopyContext, from: string): Promise<CopySource> {
  try {
    return await openSource(context);
  } catch (error) {
    throw withContext(`copying from ${printable(from, 300)}`, withFileHint(error, context.request));
  }
}

/** `undefined` if whoever reads the archive out of a pipe has had enough, as `head` has. */
async function copyAll(
  source: CopySource,
  context: CopyContext,
): Promise<CopyOutcome & { archive?: WrittenArchive } | undefined> {
  const { to } = context.request;
  if (to.kind === "archive") {
    try {
      return await copyToArchive(nameJobs(source.images, context), to, context);
    } catch (error) {
      if (hasCode(error, "storage") && isCausedBy(error, "EPIPE")) return undefined;
      throw error;
    }
  }
  if (!source.archive) return await copyToRepository(nameJobs(source.images, context), to, context);
  return await copyFromArchive(source.archive, nameJobs(source.images, context), to, context);
}

async function printDryRun(jobs: readonly CopyJob[], context: CopyContext, invocation: Invocation): Promise<number> {
  const { report, failures } = await dryRun(jobs, context);
  context.reporter.finish();
  const status = printFailures(failures, invocation);
  await printResult(outputMode(invocation.flags), report, () => describeDryRun(report));
  return status;
}

async function printOutcome(
  { copied, failures, archive }: CopyOutcome & { archive?: WrittenArchive },
  { request, settings, reporter }: CopyContext,
  invocation: Invocation,
): Promise<number> {
  const { flags } = invocation;
  for (const each of copied) tellDetails(each, reporter);
  const status = printFailures(failures, invocation);
  const reports = copied.map((each) => copyReport(each, request, archive));
  const sum = archive ? `${archive.digest}  ${formatBytes(archive.size)}\n` : "";
  const text = () => settings.quiet ? "" : copied.map((each) => describeCopied(each, request)).join("") + sum;
  const stream = archive?.isOnStdout ? "stderr" : "stdout";
  if (request.allTags) await printResult(outputMode(flags), reports, text, stream);
  else if (reports.length > 0) await printResult(outputMode(flags), reports[0], text, stream);
  return status;
}

function readRequest({ arguments: [from, to], flags }: Invocation): CopyRequest {
  const platforms = listOf(flags, "platform").map(readPlatform);
  const sparse = isSet(flags, "sparse");
  const request: CopyRequest = {
    from: readEnd(from),
    to: readEnd(to),
    allTags: isSet(flags, "all-tags"),
    choice: {
      referrers: isSet(flags, "referrers", true),
      sparse,
      ...(platforms.length > 0 && { platforms }),
    },
    dryRun: isSet(flags, "dry-run"),
  };
  if (request.from.kind === "store" && request.from.text === "") {
    throw new SatchelError("usage", `${printable(from, 300)} has no name of an image to copy: store:NAME`);
  }
  if (sparse && platforms.length === 0) {
    throw new SatchelError("usage", "--sparse leaves out all platforms but those of --platform, which is missing");
  }
  if (sparse && request.to.kind === "registry") {
    throw new SatchelError(
      "usage",
      "--sparse is for stores, archives and folders: a registry takes whole images alone",
    );
  }
  return request;
}
