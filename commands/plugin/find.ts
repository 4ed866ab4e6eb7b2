import { realpathSync } from "node:fs";
import { SatchelError } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import type { FoundPlugin, PluginHost, PluginLocation } from "../../lib/plugin/mod.ts";
import type { Invocation } from "../line/invocation.ts";
import { pluginPath } from "../settings/plugin_settings.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";

/** One plugin, and the host that it lives in. */
export interface OpenedPlugin extends AsyncDisposable {
  host: PluginHost;
  plugin: FoundPlugin;
  /** Who named it, and its settings. */
  location: PluginLocation;
}

/**
 * Opens the plugin that a user means: by its name, or by its path, which need not be among those that the settings name.
 * Of a path only that plugin is loaded, with the settings that the configuration has for it.
 *
 * @throws {SatchelError} `not-found`
 */
export async function openPlugin(
  text: string,
  settings: Settings,
  invocation: Invocation,
  reporter: Reporter,
): Promise<OpenedPlugin> {
  const location = isPath(text) ? locationOf(text, settings) : undefined;
  const plugins = location ? { named: [location], folders: [] } : settings.plugins;
  const host = await openCommandPlugins({ ...settings, plugins }, invocation, reporter);
  const plugin = location ? host.plugins[0] : host.plugins.find(({ name }) => name === text);
  if (!plugin) {
    await host[Symbol.asyncDispose]();
    throw new SatchelError("not-found", `there is no plugin ${printable(text)}`, {
      hint: `\`${invocation.path[0].name} plugin list\` shows what there is; a path has a slash in it (./${
        printable(text)
      }).`,
    });
  }
  return {
    host,
    plugin,
    location: location ?? locationOf(plugin.path, settings),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

function isPath(text: string): boolean {
  return text.includes("/") || text.includes(":");
}

/** What the settings say about the plugin at a path. */
function locationOf(text: string, { plugins }: Settings): PluginLocation {
  const path = pluginPath(text);
  const same = plugins.named.filter((each) => each.path === path || realPath(each.path) === realPath(path));
  const named = same.find(({ settings = {} }) => Object.keys(settings).length > 0) ?? same.at(0);
  return named ? { ...named, path } : { path, from: "the command line" };
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Loading it will tell what is wrong with it.
    return path;
  }
}
