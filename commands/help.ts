import { flagsOf, pathName } from "./parse.ts";
import type { CommandSpec, FlagSpec } from "./spec.ts";

/** The least width of the column of command names, as in cobra. */
const NAME_WIDTH = 11;

/** Types whose default is shown in quotes. */
const QUOTED = ["string", "strings"];

/** What `--help` prints for a command, laid out as cobra does. */
export function helpText(path: readonly CommandSpec[]): string {
  const command = path[path.length - 1];
  const children = (command.commands ?? []).filter((each) => !each.hidden).sort(byName);
  const name = pathName(path);
  const sections = [
    command.long ?? command.short,
    `Usage:\n${indent(command.load ? `${useLine(path)} [flags]` : `${name} [command]`)}`,
  ];
  if (command.aliases) sections.push(`Aliases:\n${indent([command.name, ...command.aliases].join(", "))}`);
  if (command.examples) sections.push(`Examples:\n${indent(command.examples.replaceAll("PROGRAM", path[0].name))}`);
  if (children.length > 0) sections.push(`Available Commands:\n${commandList(children)}`);
  sections.push(`Flags:\n${flagList([...(command.flags ?? []), helpFlag(command)])}`);
  if (path.length > 1) sections.push(`Global Flags:\n${flagList(flagsOf(path.slice(0, -1)))}`);
  if (children.length > 0) {
    sections.push(`Use "${name} [command] --help" for more information about a command.`);
  }
  return `${sections.join("\n\n")}\n`;
}

/** `satchel image tag SRC_IMAGE DST_IMAGE`. */
export function useLine(path: readonly CommandSpec[]): string {
  const { usage } = path[path.length - 1];
  return usage ? `${pathName(path)} ${usage}` : pathName(path);
}

function helpFlag(command: CommandSpec): FlagSpec {
  return { name: "help", short: "h", type: "bool", usage: `help for ${command.name}` };
}

function commandList(commands: readonly CommandSpec[]): string {
  const width = Math.max(NAME_WIDTH, ...commands.map((command) => command.name.length));
  return commands.map((command) => indent(`${command.name.padEnd(width)} ${command.short}`)).join("\n");
}

/** pflag's FlagUsages: sorted by name, names and usage in two columns. */
function flagList(flags: readonly FlagSpec[]): string {
  const shown = flags.filter((flag) => flag.usage !== "").sort(byName);
  const names = shown.map((flag) => {
    const short = flag.short ? `  -${flag.short}, ` : "      ";
    return `${short}--${flag.name}${flag.type === "bool" ? "" : ` ${flag.type}`}`;
  });
  const width = Math.max(...names.map((name) => name.length)) + 3;
  return shown.map((flag, index) => `${names[index].padEnd(width)}${flag.usage}${defaultText(flag)}`).join("\n");
}

function defaultText(flag: FlagSpec): string {
  if (flag.default === undefined) return "";
  return ` (default ${QUOTED.includes(flag.type) ? JSON.stringify(flag.default) : flag.default})`;
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function indent(text: string): string {
  return text.split("\n").map((line) => `  ${line}`).join("\n");
}
