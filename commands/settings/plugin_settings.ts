import { resolve } from "node:path";
import { SatchelError } from "../../lib/error.ts";
import type { PluginLocation } from "../../lib/plugin/mod.ts";
import { BUILTIN } from "../../lib/plugin/names.ts";
import { type FlagValues, isSet, listOf } from "../line/flags.ts";
import type { Environment } from "../line/invocation.ts";

/** Which plugins there may be. */
export interface PluginSettings {
  /** Those that were named, in the order in which they are asked. */
  named: readonly PluginLocation[];
  /** Absolute paths of the folders that hold more, where they exist. */
  folders: readonly string[];
}

/** The folder of plugins for all users of the host. */
export const HOST_FOLDER = "/etc/satchel/plugins";

/**
 * Which plugins there may be, in the order in which they are asked: those of `--plugin`, of `SATCHEL_PLUGINS`, of the
 * configuration, then the user's folder and the host's. None of them with `--no-plugins`.
 *
 * @param configured what configuration files name
 * @param configFolder the folder of the user's configuration: `~/.config`
 * @throws {SatchelError} `usage` if `--plugin` has no path: what should have guarded a pull would be missing without a word
 */
export function pluginSettings(
  flags: FlagValues,
  environment: Environment,
  configured: readonly PluginLocation[],
  configFolder: string | undefined,
): PluginSettings {
  if (isSet(flags, "no-plugins")) return { named: [], folders: [] };
  const byFlag = listOf(flags, "plugin");
  if (byFlag.includes("")) throw new SatchelError("usage", "--plugin needs a path");
  const byVariable = (environment.SATCHEL_PLUGINS ?? "").split(":").filter((path) => path !== "");
  return {
    named: [
      ...byFlag.map((path) => ({ path: pluginPath(path), from: "--plugin" })),
      ...byVariable.map((path) => ({ path: resolve(path), from: "SATCHEL_PLUGINS" })),
      ...configured,
    ],
    folders: [
      ...(configFolder === undefined ? [] : [resolve(configFolder, "satchel", "plugins")]),
      HOST_FOLDER,
    ],
  };
}

/** The path of a plugin as somebody typed it, in full; `builtin:NAME` stays what it is. */
export function pluginPath(text: string): string {
  return text.startsWith(BUILTIN) ? text : resolve(text);
}
