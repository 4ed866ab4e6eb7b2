import type { FoundPlugin, PathCommand, PluginCommandInfo } from "../../lib/plugin/mod.ts";

/** What `-o json` prints about a plugin. Members are never renamed or removed, but more may come. */
export interface PluginReport {
  name: string;
  /** `module`, `executable` or `builtin`. */
  form: string;
  /** Of those that satchel calls; empty for a command on `PATH`. */
  hooks: readonly string[];
  /** `ok`, `command` (an executable on `PATH`, which was not run) or `failed`. */
  state: "ok" | "command" | "failed";
  /** Why it cannot be used, and what to do about it; empty if it can. */
  reason: string;
  hint: string;
  /** Absolute, or `builtin:NAME`. */
  path: string;
  /** Who named it, the folder that it was found in, or `PATH`. */
  from: string;
}

/** What `plugin inspect -o json` prints. */
export interface PluginDetails extends PluginReport {
  description: string;
  version: string;
  /** The version of the contract that it keeps; empty if that is not known. */
  contract: number | "";
  commands: readonly PluginCommandReport[];
  /** The keys of its settings. Their values may be secrets and are not shown. */
  settings: readonly string[];
}

/** A subcommand of a module. What is not there is empty. */
export interface PluginCommandReport {
  name: string;
  summary: string;
  /** Its arguments, as its help has them. */
  usage: string;
  flags: readonly PluginFlagReport[];
}

/** A flag of a subcommand. */
export interface PluginFlagReport {
  name: string;
  /** Empty if it has no short form. */
  letter: string;
  type: string;
  summary: string;
}

/** What can be told about a plugin in a list. */
export function pluginReport({ name, form, hooks, path, from, failure }: FoundPlugin): PluginReport {
  return {
    name,
    form,
    hooks,
    state: failure ? "failed" : "ok",
    reason: failure?.message ?? "",
    hint: failure?.hint ?? "",
    path,
    from,
  };
}

/** What can be told about an executable on `PATH`, which is not run. */
export function commandReport({ name, path, failure }: PathCommand): PluginReport {
  return {
    name,
    form: "executable",
    hooks: [],
    state: failure ? "failed" : "command",
    reason: failure?.message ?? "",
    hint: failure?.hint ?? "",
    path,
    from: "PATH",
  };
}

/**
 * All that can be told about a plugin that could be loaded.
 *
 * @param settings the keys of its settings
 */
export function pluginDetails(plugin: FoundPlugin, settings: readonly string[]): PluginDetails {
  return {
    ...pluginReport(plugin),
    description: plugin.description ?? "",
    version: plugin.version ?? "",
    contract: plugin.contract ?? "",
    commands: plugin.commands.map(subcommandReport),
    settings,
  };
}

function subcommandReport({ name, summary, arguments: wanted, flags }: PluginCommandInfo): PluginCommandReport {
  const described = flags.map(({ name, letter = "", type, summary }) => ({ name, letter, type, summary }));
  return { name, summary, usage: wanted.usage, flags: described };
}
