import type { GcReport } from "../../lib/store/mod.ts";
import { formatBytes } from "../../lib/terminal/mod.ts";
import { count } from "../output/count.ts";
import { EXIT_OK } from "../output/exit.ts";
import { durationOf, isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";

/** `satchel store gc`: removes what no image needs. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, signal } = invocation;
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, signal);
  const store = openLocalStore(settings, reporter);
  const dryRun = isSet(flags, "dry-run");
  const minAge = durationOf(flags, "min-age");
  const report = await store.gc({
    signal,
    dryRun,
    untagged: isSet(flags, "untagged"),
    ...(minAge !== undefined && { minAge }),
  });
  const text = () => settings.quiet ? "" : describe(report, dryRun);
  await printResult(outputMode(flags), { dryRun, ...report }, text);
  return EXIT_OK;
}

function describe({ entries, deleted, ingest, young }: GcReport, dryRun: boolean): string {
  const parts = [
    [deleted.blobs, `${count(deleted.blobs, "blob")} (${formatBytes(deleted.bytes)})`],
    [ingest.blobs, `${count(ingest.blobs, "part")} of broken transfers (${formatBytes(ingest.bytes)})`],
    [entries.untagged, `${count(entries.untagged, "image")} without a name`],
    [entries.orphans, `${count(entries.orphans, "attachment")} of images that are gone`],
    [entries.gone, `${count(entries.gone, "entry", "entries")} without content`],
  ] as const;
  const removed = parts.filter(([number]) => number > 0).map(([, text]) => text).join(", ") || "nothing";
  const kept = young.blobs === 0 ? "" : `; kept ${count(young.blobs, "file")} that may still be needed (--min-age)`;
  return `${dryRun ? "Would remove" : "Removed"} ${removed}${kept}\n`;
}
