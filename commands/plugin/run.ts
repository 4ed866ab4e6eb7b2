import { basename } from "node:path";
import { SatchelError } from "../../lib/error.ts";
import {
  cannotBeUsed,
  EXECUTABLE_PREFIX,
  executableEnvironment,
  findCommandOnPath,
  findProgram,
  type FoundPlugin,
  type PluginCommandInfo,
  type PluginInvocation,
} from "../../lib/plugin/mod.ts";
import { printable, printableLines } from "../../lib/printable.ts";
import { runInteractive } from "../../lib/runtime/exec.ts";
import { write } from "../../lib/terminal/streams.ts";
import { VERSION } from "../build_info.ts";
import { isSet } from "../line/flags.ts";
import { printHelp } from "../line/help.ts";
import type { Invocation } from "../line/invocation.ts";
import { firstWordAt, parseLine, subcommand } from "../line/parse.ts";
import type { CommandSpec, FlagSpec } from "../line/spec.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { EXIT_OK } from "../output/exit.ts";
import { openReporter, type Reporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { unusable } from "./unusable.ts";

/** What a command line is as long as nobody knows whose command it asks for. */
export interface ForeignLine extends Pick<Invocation, "environment" | "signal"> {
  root: CommandSpec;
  line: readonly string[];
  /** Where the word stands that names the plugin. */
  at: number;
}

/**
 * Runs `satchel NAME ...` for a plugin, or for an executable `satchel-NAME` on `PATH`. Flags before NAME are satchel's, and what
 * stands behind it is the plugin's alone, so that a flag that satchel gains breaks no plugin. An executable gets it as it is; for
 * a module it is read by the same rules as satchel's own line.
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
  const plugin = host.plugins.find((each) => each.name === name && !each.failure) ??
    host.plugins.find((each) => each.failure && mayBe(each, name));
  if (plugin?.failure) throw unusable(plugin);
  if (plugin && plugin.form !== "executable") {
    return await runModule(plugin, foreign, (command, invocation) => host.runCommand(plugin, command, invocation));
  }
  const program = plugin ? findProgram(plugin.path) : findCommandOnPath(name, environment.PATH);
  if (program !== undefined) {
    return await runInteractive(program, line.slice(at + 1), executableEnvironment(environment, VERSION));
  }
  warnOfFailures(host.plugins, reporter);
  return undefined;
}

/** One that could not be asked for its name is known by that of its file. */
function mayBe({ name, path }: FoundPlugin, word: string): boolean {
  const files = [EXECUTABLE_PREFIX + word, `${word}.ts`, `${word}.js`, `${word}.mjs`];
  return name === word || files.includes(basename(path));
}

/** The word may be the name of a plugin that is broken. */
function warnOfFailures(plugins: readonly FoundPlugin[], reporter: Reporter): void {
  for (const plugin of plugins) {
    if (plugin.failure) reporter.warn(cannotBeUsed(plugin).message);
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
  const tree = treeOf(root, plugin, line.slice(at + 1));
  const { path, arguments: words, flags } = parseLine(tree, line.slice(at));
  const command = plugin.commands.find(({ name }) => path.length > 2 && name === path[2].name);
  if (!command && isSet(flags, "version")) {
    write("stdout", `${plugin.name} ${printable(plugin.version ?? "")}\n`);
    return EXIT_OK;
  }
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
  const help = (root.flags ?? []).filter(({ name }) => name === "help");
  const asked = rest[firstWordAt({ name: root.name, short: "", flags: help }, rest)];
  const spec: CommandSpec = {
    name: plugin.name,
    short: printable(plugin.description ?? "Commands of this plugin"),
    commands: plugin.commands.map((command) => specOf(command, command.name === asked ? command.flags : [])),
  };
  const hasVersion = plugin.version !== undefined && (asked === undefined || !subcommand(spec, asked));
  const version: FlagSpec = { name: "version", type: "bool", usage: `version of ${plugin.name}` };
  return { name: root.name, short: "", flags: help, commands: [{ ...spec, ...(hasVersion && { flags: [version] }) }] };
}

function specOf(command: PluginCommandInfo, flags: PluginCommandInfo["flags"]): CommandSpec {
  const { name, summary, description } = command;
  const { usage, min, max } = command.arguments;
  return {
    name,
    short: printable(summary),
    ...(description !== undefined && { long: printableLines(description) }),
    ...(usage !== "" && { usage: printable(usage) }),
    arguments: { min, max },
    flags: flags.map(flagOf),
    // It is run by the plugin's host; this says that it can be.
    load: () => Promise.reject(new Error("commands of plugins are run by their host")),
  };
}

function flagOf({ name, letter, type, summary }: PluginCommandInfo["flags"][number]): FlagSpec {
  return { name, type, usage: printable(summary), ...(letter !== undefined && { short: letter }) };
}
