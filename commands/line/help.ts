import { isTerminal, terminalSize, write } from "../../lib/terminal/streams.ts";
import { flagsOf, pathName } from "./parse.ts";
import type { CommandSpec, FlagSpec } from "./spec.ts";

/** The least width of the column of command names, as in cobra. */
const NAME_WIDTH = 11;

/** Types whose default is shown in quotes. */
const QUOTED = ["string", "strings"];

/** The narrowest that the column of usage texts becomes, in characters, before wrapping is given up. */
const MIN_TEXT_WIDTH = 24;

/** Prints the help of a command, wrapped on a terminal. */
export function printHelp(path: readonly CommandSpec[]): void {
  const width = isTerminal("stdout") ? terminalSize("stdout").columns : undefined;
  write("stdout", helpText(path, width));
}

/**
 * What `--help` prints for a command, laid out as cobra does.
 *
 * @param width the width of the terminal, in characters, to wrap at; without it each flag has one line
 */
export function helpText(path: readonly CommandSpec[], width = Infinity): string {
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
  sections.push(`Flags:\n${flagList([...(command.flags ?? []), helpFlag(command)], width)}`);
  const inherited = flagsOf(path.slice(0, -1)).filter(isShown);
  if (inherited.length > 0) sections.push(`Global Flags:\n${flagList(inherited, width)}`);
  if (children.length > 0) {
    sections.push(`Use "${name} [command] --help" for more information about a command.`);
  }
  return `${sections.join("\n\n")}\n`;
}

/** `satchel image tag SRC_IMAGE DST_IMAGE`. */
function useLine(path: readonly CommandSpec[]): string {
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
function flagList(flags: readonly FlagSpec[], width: number): string {
  const shown = flags.filter(isShown).sort(byName);
  const names = shown.map((flag) => {
    const short = flag.short ? `  -${flag.short}, ` : "      ";
    return `${short}--${flag.name}${flag.type === "bool" ? "" : ` ${flag.type}`}`;
  });
  const column = Math.max(...names.map((name) => name.length)) + 3;
  return shown.map((flag, index) => {
    const lines = wrap(flag.usage + defaultText(flag), width - 1 - column);
    return names[index].padEnd(column) + lines.join(`\n${" ".repeat(column)}`);
  }).join("\n");
}

function isShown({ hidden, usage }: FlagSpec): boolean {
  return !hidden && usage !== "";
}

function wrap(text: string, width: number): string[] {
  if (width < MIN_TEXT_WIDTH) return [text];
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last === "" || last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`.trimStart();
    else lines.push(word);
  }
  return lines;
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
