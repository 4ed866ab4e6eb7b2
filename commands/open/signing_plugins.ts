import type { PluginHost } from "../../lib/plugin/mod.ts";
import { BUILTIN } from "../../lib/plugin/names.ts";
import { BUILTIN_PLUGINS } from "../../plugins/mod.ts";
import type { Invocation } from "../line/invocation.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";
import { openCommandPlugins } from "./plugins.ts";

/** The built-in plugins that know signatures. */
const SIGNING_PLUGINS = ["cosign", "notation"];

/**
 * Opens the plugins that the settings name, and the built-in ones that know signatures, which nobody need name. Those come first: no other
 * plugin can take their names, and with these the keys that are for them alone.
 */
export async function openSigningPlugins(
  settings: Settings,
  invocation: Pick<Invocation, "environment" | "signal">,
  reporter: Reporter,
): Promise<PluginHost> {
  const builtin = SIGNING_PLUGINS.filter((name) => Object.hasOwn(BUILTIN_PLUGINS, name))
    .map((name) => ({ path: `${BUILTIN}${name}`, from: "satchel" }));
  const { named, folders } = settings.plugins;
  return await openCommandPlugins(
    { ...settings, plugins: { named: [...builtin, ...named], folders } },
    invocation,
    reporter,
  );
}
