import {
  type Destination,
  type HaveList,
  readInventories,
  writeArchive,
  type WrittenVolume,
} from "../../lib/archive/mod.ts";
import { SatchelError, systemCode, withContext } from "../../lib/error.ts";
import { type Digest, readPlatform } from "../../lib/oci/mod.ts";
import { isSet, listOf, textOf } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { wrongCountError } from "../line/parse.ts";
import { parseSize } from "../line/size.ts";
import { archiveDestination, openArchiveSink } from "../open/archive_destination.ts";
import { checkOutside } from "../open/outside_store.ts";
import { openLocalStore } from "../open/local_store.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { EXIT_FAILED, EXIT_OK } from "../output/exit.ts";
import { printFailures } from "../output/failures.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter, type Reporter } from "../output/reporter.ts";
import { loadSettings, type Settings } from "../settings/settings.ts";
import { type ExportChoice, type ExportPlan, planExport } from "./export_plan.ts";
import { describeExport, exportReport } from "./export_report.ts";
import { checkExport } from "./plugin_hooks.ts";

/** The smallest volume, in bytes. */
const MIN_VOLUME_SIZE = 64 * 1024;

/** What the command line asks for. */
interface ExportRequest {
  /** `undefined` for all. */
  names?: readonly string[];
  /** As it was typed. */
  path: string;
  choice: ExportChoice;
  volumeSize?: number;
}

/** What was written. */
interface Written {
  digest: Digest;
  volumes: readonly WrittenVolume[];
}

/** `satchel image export SRC_IMAGE [SRC_IMAGE n] DST_FILE`: from the store into an archive. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const request = await readRequest(invocation);
  using reporter = openReporter(settings, invocation.signal);
  try {
    return await exportImages(request, invocation, settings, reporter);
  } catch (error) {
    // Whoever reads a pipe may have had enough, as `head` has.
    if (error instanceof SatchelError && systemCode(error.cause) === "EPIPE") return EXIT_FAILED;
    if (!invocation.signal.aborted) throw withContext("exporting images", error);
    throw new SatchelError("cancelled", "exporting images: interrupted");
  }
}

async function exportImages(
  request: ExportRequest,
  invocation: Invocation,
  settings: Settings,
  reporter: Reporter,
): Promise<number> {
  const { path, choice } = request;
  const { flags, signal } = invocation;
  const destination = destinationOf(request);
  await using plugins = await openCommandPlugins(settings, invocation, reporter);
  const store = openLocalStore(settings, reporter);
  checkOutside(destination, store.path);
  const snapshot = await store.snapshot({ signal });
  const plan = await planExport(request.names, choice, { store, snapshot, signal, onWarning: reporter.warn });
  if (plan.failures.length === 0) {
    await askAll(plan, (each) => checkExport(each, { plugins, store: store.path, archive: path }));
  }
  if (plan.failures.length > 0) {
    reporter.finish();
    return printFailures(plan.failures.map((error) => withContext("exporting images", error)), invocation);
  }
  const draft = plan.drafter.finish(choice.have);
  const written: Written = { digest: "sha256:", volumes: [] };
  {
    await using sink = await openArchiveSink(destination, { size: draft.size, signal }, request.volumeSize);
    written.digest = await writeArchive(draft, snapshot, sink, {
      signal,
      onProgress: (done, total) => reporter.measure?.("Exporting", done, total),
    });
    written.volumes = await sink.finish();
  }
  reporter.finish();
  const report = exportReport(path, plan.planned, draft, written);
  const stream = destination.kind === "stream" && destination.to === 1 ? "stderr" : "stdout";
  const text = () => settings.quiet ? "" : describeExport(report, plan.planned);
  await printResult(outputMode(flags), report, text, stream);
  return EXIT_OK;
}

async function askAll(plan: ExportPlan, ask: (planned: ExportPlan["planned"][number]) => Promise<void>): Promise<void> {
  for (const planned of plan.planned) {
    try {
      await ask(planned);
    } catch (error) {
      if (!(error instanceof SatchelError) || error.code === "cancelled") throw error;
      plan.failures.push(withContext(planned.name, error));
    }
  }
}

async function readHave(paths: readonly string[], signal: AbortSignal): Promise<HaveList> {
  try {
    return await readInventories(paths, { signal });
  } catch (error) {
    throw withContext("--have", error);
  }
}

async function readRequest({ arguments: words, flags, path, signal }: Invocation): Promise<ExportRequest> {
  const all = isSet(flags, "all");
  const destination = words[words.length - 1];
  const names = words.slice(0, -1);
  const least = all ? 1 : 2;
  if (words.length < least) throw wrongCountError(path, least, Infinity, words.length);
  if (all && names.length > 0) throw new SatchelError("usage", "--all is instead of names: it exports every image");
  const platforms = listOf(flags, "platform").map(readPlatform);
  const sparse = isSet(flags, "sparse");
  if (sparse && platforms.length === 0) {
    throw new SatchelError("usage", "--sparse leaves out all platforms but those of --platform, which is missing");
  }
  const have = listOf(flags, "have");
  const choice: ExportChoice = {
    sparse,
    referrers: isSet(flags, "referrers", true),
    ...(platforms.length > 0 && { platforms }),
    ...(have.length > 0 && { have: await readHave(have, signal) }),
  };
  const volumeSize = textOf(flags, "volume-size");
  return {
    path: destination,
    choice,
    ...(!all && { names }),
    ...(volumeSize !== undefined && { volumeSize: readVolumeSize(volumeSize) }),
  };
}

function readVolumeSize(text: string): number {
  const size = parseSize(text, "volume-size");
  if (size >= MIN_VOLUME_SIZE) return size;
  throw new SatchelError("usage", `--volume-size must be at least 64KiB, not ${size} bytes`);
}

function destinationOf({ path, volumeSize }: ExportRequest): Destination {
  const destination = archiveDestination(path);
  if (destination.kind === "file" || volumeSize === undefined) return destination;
  throw new SatchelError("usage", `--volume-size is for files, and ${destination.name} is none`);
}
