import type { Column } from "../../lib/terminal/mod.ts";
import type { Invocation } from "../line/invocation.ts";
import { openReporter } from "../output/reporter.ts";
import { EXIT_OK } from "../output/exit.ts";
import { outputMode, printResult } from "../output/output.ts";
import { tableText } from "../output/table.ts";
import { loadSettings } from "../settings/settings.ts";
import { openPlugin } from "./find.ts";
import { type PluginDetails, pluginDetails } from "./report.ts";
import { unusable } from "./unusable.ts";

const COLUMNS: readonly Column[] = [{ header: "KEY" }, { header: "VALUE", shrinksTo: 20 }];

/** `satchel plugin inspect PLUGIN`: what a plugin says of itself, and what is said about it. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, invocation.signal);
  await using opened = await openPlugin(invocation.arguments[0], settings, invocation, reporter);
  const { plugin, location } = opened;
  if (plugin.failure) throw unusable(plugin);
  const details = pluginDetails(plugin, Object.keys(location.settings ?? {}));
  reporter.finish();
  await printResult(outputMode(invocation.flags), details, () => table(details));
  return EXIT_OK;
}

function table(details: PluginDetails): string {
  const rows: [string, string][] = [
    ["name", details.name],
    ["description", details.description],
    ["version", details.version],
    ["form", details.form],
    ["contract", String(details.contract)],
    ["hooks", details.hooks.join(", ")],
    ...details.commands.map(({ name, summary }): [string, string] => ["command", `${name}: ${summary}`]),
    ["settings", details.settings.join(", ")],
    ["path", details.path],
    ["from", details.from],
  ];
  return tableText(COLUMNS, rows.filter(([, value]) => value !== ""));
}
