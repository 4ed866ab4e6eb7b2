import { openPlugins, type PluginHost } from "../../lib/plugin/mod.ts";
import { write } from "../../lib/terminal/mod.ts";
import { BUILTIN_PLUGINS } from "../../plugins/mod.ts";
import { VERSION } from "../build_info.ts";
import type { Invocation } from "../line/invocation.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";

/** Opens the plugins that the settings name. */
export async function openCommandPlugins(
  settings: Settings,
  invocation: Pick<Invocation, "environment" | "signal">,
  reporter: Reporter,
): Promise<PluginHost> {
  return await openPlugins({
    ...settings.plugins,
    builtin: BUILTIN_PLUGINS,
    environment: invocation.environment,
    version: VERSION,
    signal: invocation.signal,
    onLog: (plugin, text) => reporter.status(`${plugin}: ${text}`),
    onPrint: (text) => void write("stdout", text),
    onWarning: reporter.warn,
  });
}
