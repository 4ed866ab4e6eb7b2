import type { SatchelError } from "../../lib/error.ts";
import { cannotBeUsed, commandsOnPath } from "../../lib/plugin/mod.ts";
import type { Column } from "../../lib/terminal/mod.ts";
import { EXIT_OK } from "../output/exit.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { outputMode, printResult } from "../output/output.ts";
import { subcommand } from "../line/parse.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { openReporter } from "../output/reporter.ts";
import { tableText } from "../output/table.ts";
import { loadSettings } from "../settings/settings.ts";
import { commandReport, type PluginReport, pluginReport } from "./report.ts";

const COLUMNS: readonly Column[] = [
  { header: "NAME" },
  { header: "FORM" },
  { header: "HOOKS", shrinksTo: 12 },
  { header: "STATE" },
  { header: "PATH", shrinksTo: 20 },
  { header: "FROM", shrinksTo: 12 },
];

/** `satchel plugin list`: all plugins in the order in which they are asked, then the commands on `PATH`. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, invocation.signal);
  await using host = await openCommandPlugins(settings, invocation, reporter);
  const plugins = host.plugins.map(pluginReport);
  const [root] = invocation.path;
  const isTaken = (name: string) =>
    subcommand(root, name) !== undefined || plugins.some((plugin) => plugin.name === name);
  const onPath = isSet(invocation.flags, "no-plugins")
    ? []
    : commandsOnPath(invocation.environment.PATH).filter(({ name }) => !isTaken(name));
  const all = [...plugins, ...onPath.map(commandReport)];
  reporter.finish();
  for (const each of [...host.plugins, ...onPath]) {
    if (each.failure) reporter.warn(warning(cannotBeUsed(each)));
  }
  await printResult(outputMode(invocation.flags), all, () => table(all));
  return EXIT_OK;
}

function warning({ message, hint }: SatchelError): string {
  return hint === undefined ? message : `${message} (${hint})`;
}

function table(plugins: readonly PluginReport[]): string {
  const rows = plugins.map(({ name, form, hooks, state, path, from }) => [
    name,
    form,
    hooks.join(",") || "-",
    state,
    path,
    from,
  ]);
  return tableText(COLUMNS, rows);
}
