import type { CheckReport } from "../../lib/store/mod.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/terminal/mod.ts";
import { count } from "../output/count.ts";
import { EXIT_FAILED, EXIT_OK } from "../output/exit.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings, type Settings } from "../settings/settings.ts";

/** `satchel store check`: reads and hashes everything in the store; the exit status is 1 if something is damaged. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, invocation.signal);
  const store = openLocalStore(settings, reporter);
  const onProgress = (done: number, total: number) => reporter.measure?.("Checking", done, total);
  const report = await store.check({ signal: invocation.signal, onProgress });
  reporter.finish();
  await printResult(outputMode(invocation.flags), report, () => describe(report, settings));
  return report.damage.length > 0 ? EXIT_FAILED : EXIT_OK;
}

/** Damage is told in any case, leftovers one by one only with `--verbose`. */
function describe({ names, checked, damage, garbage }: CheckReport, { store, quiet, verbose }: Settings): string {
  const lines = damage.map(({ message, images = [] }) => {
    const users = images.length === 0 ? "" : ` (part of ${images.join(", ")})`;
    return `Damaged: ${printable(message + users)}`;
  });
  if (verbose) lines.push(...garbage.map(({ message }) => `Leftover: ${printable(message)}`));
  if (!quiet) {
    const blobs = `${count(checked.blobs, "blob")} (${formatBytes(checked.bytes)})`;
    const found = damage.length === 0 ? "nothing is damaged" : `${damage.length} damaged`;
    const collectable = garbage.filter(({ kind }) => kind !== "unknown").length;
    const leftovers = collectable === 0 ? "" : `, ${count(collectable, "leftover")} for store gc`;
    lines.push(`Checked ${count(names, "name")} and ${blobs} in ${printable(store)}: ${found}${leftovers}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}
