import { printable, printableLines } from "../../lib/printable.ts";
import { SatchelError } from "../../lib/error.ts";
import {
  findCommandOnPath,
  findProgram,
  type FoundPlugin,
  type PluginCommandInfo,
  type PluginInvocation,
} from "../../lib/plugin/mod.ts";
import { runInteractive } from "../../lib/runtime/exec.ts";
import { EXIT_OK } from "../output/exit.ts";
import { isSet } from "../line/flags.ts";
import { printHelp } from "../line/help.ts";
import type { Invocation } from "../line/invocation.ts";
import { firstWordAt, parseLine, subcommand } from "../line/parse.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { openReporter, type Reporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import type { CommandSpec, FlagSpec } from "../line/spec.ts";

/** What a command line is as long as nobody knows whose command it asks for. */
export interface ForeignLine extends Pick<Invocation, "environment" | "signal"> {
  root: CommandSpec;
  line: readonly string[];
  /** Where the word stands that names the plugin. */
  at: number;
}

/**
 * Runs `satchel NAME ...` for a plugin, or for an executable `satchel-NAME` on `PATH`. An executable gets what stands behind
 * NAME as it is; the line of a module is read by the same rules as satchel's own. Flags before NAME are satchel's.
 *
 * @returns its exit status; `undefined` if there is no such plugin
 * @throws {SatchelError} `plugin`, `refused` if it is there but cannot be used
 */
export async function runPluginCommand(foreign: ForeignLine): Promise<number | undefined> {
  const { root, line, at, environment, signal } = foreign;
  const { flags } = parseLine(root, line.slice(0, at));
  if (isSet(flags, "help") || isSet(flags, "version") || isSet(flags, "no-plugins")) return undefined;
  const settings = await loadSettings({ flags, environment });
  using reporter = openReporter(settings, signal);
  // What a plugin prints would end up among progress bars.
  reporter.finish();
  await using host = await openCommandPlugins(settings, foreign, reporter);
  const name = line[at];
  const plugin = host.plugins.find((each) => each.name === name || isExecutableOf(each, name));
  if (plugin?.failure) throw unusable(plugin, plugin.failure);
  if (plugin && plugin.form !== "executable") {
    return await runModule(plugin, foreign, (command, invocation) => host.runCommand(plugin, command, invocation));
  }
  const program = plugin ? findProgram(plugin.path) : findCommandOnPath(name, environment.PATH);
  if (program !== undefined) return await runInteractive(program, line.slice(at + 1), environment);
  warnOfFailures(host.plugins, reporter);
  return undefined;
}

/** One that could not be asked for its name is known by that of its file. */
function isExecutableOf({ form, path }: FoundPlugin, name: string): boolean {
  return form === "executable" && path.endsWith(`/satchel-${name}`);
}

function unusable({ name, path }: FoundPlugin, { message, hint }: SatchelError): SatchelError {
  return new SatchelError("plugin", `the plugin ${printable(name)} (${printable(path)}) cannot be used: ${message}`, {
    hint,
  });
}

/** The word may be the name of a plugin that is broken. */
function warnOfFailures(plugins: readonly FoundPlugin[], reporter: Reporter): void {
  for (const { path, failure } of plugins) {
    if (failure) reporter.warn(`the plugin ${path} cannot be used: ${failure.message}`);
  }
}

async function runModule(
  plugin: FoundPlugin,
  { root, line, at }: ForeignLine,
  runCommand: (command: string, invocation: PluginInvocation) => Promise<number>,
): Promise<number> {
  if (plugin.commands.length === 0) {
    throw new SatchelError("usage", `the plugin ${plugin.name} (${printable(plugin.path)}) has no commands`, {
      hint: `\`${root.name} plugin inspect ${plugin.name}\` shows what it has.`,
    });
  }
  const { path, arguments: words, flags } = parseLine(treeOf(root, plugin, line.slice(at + 1)), line);
  const command = plugin.commands.find(({ name }) => path.at(-1)?.load && name === path.at(-1)?.name);
  if (!command || isSet(flags, "help")) {
    printHelp(path);
    return EXIT_OK;
  }
  const own = command.flags.filter(({ name }) => flags.has(name)).map(({ name }) => [name, flags.get(name)!]);
  return await runCommand(command.name, { arguments: words, flags: Object.fromEntries(own) });
}

/**
 * The commands of a plugin as a tree that the parser reads. Of several commands only the one that is asked for is kept with
 * its flags, since two may have flags of one name and another type.
 */
function treeOf(root: CommandSpec, plugin: FoundPlugin, rest: readonly string[]): CommandSpec {
  const asked = rest[firstWordAt({ ...root, commands: [] }, rest)];
  const spec: CommandSpec = {
    name: plugin.name,
    short: printable(plugin.description ?? "Commands of this plugin"),
    commands: plugin.commands.map((command) => specOf(command, command.name === asked ? command.flags : [])),
  };
  const chosen = subcommand(spec, asked);
  if (chosen) checkFlags(root, plugin, chosen);
  return { ...root, commands: [spec] };
}

function specOf(command: PluginCommandInfo, flags: PluginCommandInfo["flags"]): CommandSpec {
  return {
    name: command.name,
    short: printable(command.short),
    ...(command.long !== undefined && { long: printableLines(command.long) }),
    ...(command.usage !== undefined && { usage: printable(command.usage) }),
    arguments: command.arguments,
    flags: flags.map((flag): FlagSpec => ({ ...flag, usage: printable(flag.usage) })),
    // It is run by the plugin's host; this says that it can be.
    load: () => Promise.reject(new Error("commands of plugins are run by their host")),
  };
}

/** @throws {SatchelError} `plugin` if flags of satchel could not be told from those of the plugin */
function checkFlags(root: CommandSpec, plugin: FoundPlugin, command: CommandSpec): void {
  const taken = root.flags ?? [];
  const clash = (command.flags ?? []).find((flag) =>
    taken.some(({ name, short }) => name === flag.name || (short !== undefined && short === flag.short))
  );
  if (!clash) return;
  throw new SatchelError(
    "plugin",
    `the command ${command.name} of the plugin ${plugin.name} (${printable(plugin.path)}) has a flag --${clash.name}` +
      `${clash.short ? ` (-${clash.short})` : ""} that is one of satchel's own`,
    { hint: "Give that flag another name and another letter." },
  );
}
