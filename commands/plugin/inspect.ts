import { printable } from "../../lib/printable.ts";
import { EXIT_OK } from "../output/exit.ts";
import type { Invocation } from "../line/invocation.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { openPlugin } from "./find.ts";
import { type PluginDetails, pluginDetails } from "./report.ts";

/** `satchel plugin inspect PLUGIN`: what a plugin says of itself, and what is said about it. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, invocation.signal);
  await using opened = await openPlugin(invocation.arguments[0], settings, invocation, reporter);
  const { plugin, location } = opened;
  const details = pluginDetails(plugin, Object.keys(location.settings ?? {}));
  reporter.finish();
  await printResult(outputMode(invocation.flags), details, () => text(details));
  return EXIT_OK;
}

function text(details: PluginDetails): string {
  const { state, reason, hint } = details;
  const rows: [string, string][] = [
    ["Name", details.name],
    ["Description", details.description],
    ["Version", details.version],
    ["Form", details.form],
    ["Contract", String(details.contract ?? "")],
    ["Hooks", details.hooks.join(", ")],
    ["Commands", details.commands.map(({ name, short }) => `${name} (${short})`).join(", ")],
    ["Settings", details.settings.join(", ")],
    ["Path", details.path],
    ["From", details.from],
    ["State", [state, reason, hint].filter((each) => each !== "").join(": ")],
  ];
  return rows.filter(([, value]) => value !== "").map(([key, value]) => `${`${key}:`.padEnd(13)}${printable(value)}\n`)
    .join("");
}
