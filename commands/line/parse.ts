import { parseArgs } from "node:util";
import { SatchelError } from "../../lib/error.ts";
import { type FlagValues, isSet, readFlag } from "./flags.ts";
import type { CommandSpec, FlagSpec } from "./spec.ts";
import { suggestions } from "../../lib/suggest.ts";

/** What a command line asks for. */
export interface ParsedLine {
  /** From the root to the command. */
  path: readonly CommandSpec[];
  arguments: readonly string[];
  flags: FlagValues;
}

/**
 * Where on the command line the mistake is: the command whose help shows how to do it right. Thrown as the `cause` of
 * `usage` errors.
 */
export class UsageContext {
  constructor(readonly path: readonly CommandSpec[], readonly suggested: readonly string[] = []) {}
}

type Token = NonNullable<ReturnType<typeof parseArgs>["tokens"]>[number];
type OptionToken = Extract<Token, { kind: "option" }>;

/**
 * Reads a command line. Flags may stand before, between and after commands and arguments. Node's `parseArgs` cuts the
 * line into tokens, by the flags of all commands, since which command it is shows only at the end; then what was given
 * is checked against the flags that this command has.
 *
 * @throws {SatchelError} `usage`, with a {@link UsageContext} as its cause
 */
export function parseLine(root: CommandSpec, line: readonly string[]): ParsedLine {
  const tokens = tokenize(root, line);
  const words = tokens.flatMap((token) => token.kind === "positional" ? [token.value] : []);
  const path = findCommand(root, words);
  const parsed = { path, arguments: words.slice(path.length - 1), flags: readFlags(path, tokens) };
  if (!path[path.length - 1].load) checkNoWords(path, parsed.arguments);
  else if (!asksAbout(path[0], parsed.flags)) checkArguments(path, parsed.arguments);
  return parsed;
}

/** The flags that a command takes: its own, and those of all above it. */
export function flagsOf(path: readonly CommandSpec[]): FlagSpec[] {
  return path.flatMap((command) => command.flags ?? []);
}

/** The subcommand of this name or alias. */
export function subcommand(command: CommandSpec, name: string): CommandSpec | undefined {
  return command.commands?.find((each) => each.name === name || each.aliases?.includes(name));
}

/** The commands that words lead to, as far as they do; starts with the root. */
export function findCommand(root: CommandSpec, words: readonly string[]): CommandSpec[] {
  const path = [root];
  for (const word of words) {
    const next = subcommand(path[path.length - 1], word);
    if (!next) break;
    path.push(next);
  }
  return path;
}

/** The words of a command that are no flags and no values of flags: the commands and arguments that were typed so far. */
export function positionals(root: CommandSpec, line: readonly string[]): string[] {
  return tokenize(root, line).flatMap((token) => token.kind === "positional" ? [token.value] : []);
}

/** Where the first word of a line stands that is no flag and no value of a flag; -1 if there is none. */
export function firstWordAt(root: CommandSpec, line: readonly string[]): number {
  return tokenize(root, line).find(({ kind }) => kind === "positional")?.index ?? -1;
}

/** The flags of a line, as far as they can be understood. */
export function lenientFlags(root: CommandSpec, line: readonly string[]): FlagValues {
  try {
    return readFlags(allCommands(root), tokenize(root, line));
  } catch {
    return new Map();
  }
}

/** The long names of the flags that the command of a line has, as far as the line can be understood. */
export function flagsOfLine(root: CommandSpec, line: readonly string[]): ReadonlySet<string> {
  return new Set(flagsOf(findCommand(root, positionals(root, line))).map(({ name }) => name));
}

function tokenize(root: CommandSpec, line: readonly string[]): Token[] {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const { name, short, type } of flagsOf(allCommands(root))) {
    // One command may have a letter for it and another one none.
    options[name] = { ...options[name], type: type === "bool" ? "boolean" : "string", ...(short && { short }) };
  }
  const { tokens } = parseArgs({ args: [...line], options, strict: false, allowPositionals: true, tokens: true });
  return joinShortValues(tokens, line);
}

/**
 * `-q=false` is `--quiet=false`, as in pflag: `parseArgs` takes what stands behind a letter without a value for more
 * letters, `=` among them.
 */
function joinShortValues(tokens: readonly Token[], line: readonly string[]): Token[] {
  const joined: Token[] = [];
  let taken = -1;
  for (const token of tokens) {
    const last = joined.at(-1);
    if (token.kind === "option" && token.rawName === "-=" && last?.kind === "option" && last.index === token.index) {
      const value = line[token.index].slice(line[token.index].indexOf("="));
      joined[joined.length - 1] = { ...last, value, inlineValue: true };
      taken = token.index;
    } else if (token.index !== taken) joined.push(token);
  }
  return joined;
}

/** A command and all below it. */
export function allCommands(command: CommandSpec): CommandSpec[] {
  return [command, ...(command.commands ?? []).flatMap(allCommands)];
}

function readFlags(path: readonly CommandSpec[], tokens: readonly Token[]): FlagValues {
  const known = new Map(flagsOf(path).map((flag) => [flag.name, flag]));
  const values = new Map<string, boolean | string | string[]>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const spec = known.get(token.name);
    if (!spec) throw unknownFlag(path, token, [...known.values()]);
    const value = inContext(path, () => readFlag(spec, valueOf(token), token.rawName));
    const earlier = values.get(spec.name);
    values.set(spec.name, Array.isArray(value) && Array.isArray(earlier) ? [...earlier, ...value] : value);
  }
  return values;
}

/** `-o=json` is `-o json`, as in pflag. */
function valueOf(token: OptionToken): string | undefined {
  const isShort = !token.rawName.startsWith("--");
  return isShort && token.inlineValue && token.value.startsWith("=") ? token.value.slice(1) : token.value;
}

function unknownFlag(path: readonly CommandSpec[], token: OptionToken, known: readonly FlagSpec[]): SatchelError {
  if (!token.rawName.startsWith("--")) {
    return usageError(path, `unknown shorthand flag: '${token.rawName.slice(1)}' in ${token.rawName}`);
  }
  const similar = suggestions(token.name, known.filter((flag) => !flag.hidden).map((flag) => flag.name)).map((name) =>
    `--${name}`
  );
  return usageError(path, `unknown flag: ${token.rawName}`, similar);
}

/** Whether help or the version is asked for, by a flag of the root: a command may have one of that name that means something else. */
function asksAbout(root: CommandSpec, flags: FlagValues): boolean {
  const own = (root.flags ?? []).map(({ name }) => name);
  return ["help", "version"].some((name) => own.includes(name) && isSet(flags, name));
}

/** What stands behind a group was meant to be a command; that there is none counts more than a wish for help with it. */
function checkNoWords(path: readonly CommandSpec[], [word]: readonly string[]): void {
  if (word === undefined) return;
  const suggested = suggestedCommands(path[path.length - 1], word);
  throw usageError(path, `unknown command ${JSON.stringify(word)} for "${pathName(path)}"`, suggested);
}

function checkArguments(path: readonly CommandSpec[], found: readonly string[]): void {
  const { min, max } = path[path.length - 1].arguments ?? { min: 0, max: 0 };
  if (found.length >= min && found.length <= max) return;
  throw wrongCountError(path, min, max, found.length);
}

/** The error for a number of arguments that a command does not take. */
export function wrongCountError(path: readonly CommandSpec[], min: number, max: number, found: number): SatchelError {
  return usageError(path, wrongCount(min, max, found));
}

/**
 * The commands below `command` that somebody who typed `word` may have meant: those with such a name, else those one level
 * deeper (`pull` for `image pull`).
 */
export function suggestedCommands(command: CommandSpec, word: string): string[] {
  const children = (command.commands ?? []).filter((each) => !each.hidden);
  const meant = children.filter((each) => each.suggestFor?.includes(word)).map((each) => each.name);
  const similar = suggestions(word, children.flatMap((each) => [each.name, ...(each.aliases ?? [])]));
  if (meant.length > 0 || similar.length > 0) return [...new Set([...meant, ...similar])];
  return children.flatMap((child) =>
    (child.commands ?? [])
      .filter((each) => [each.name, ...(each.aliases ?? []), ...(each.suggestFor ?? [])].includes(word))
      .map((each) => `${child.name} ${each.name}`)
  );
}

function wrongCount(min: number, max: number, received: number): string {
  if (min === max) return `accepts ${min} arg(s), received ${received}`;
  if (received < min) return `requires at least ${min} arg(s), only received ${received}`;
  return `accepts at most ${max} arg(s), received ${received}`;
}

/** The names on the way to a command: `satchel image pull`. */
export function pathName(path: readonly CommandSpec[]): string {
  return path.map((command) => command.name).join(" ");
}

function usageError(path: readonly CommandSpec[], message: string, suggested: readonly string[] = []): SatchelError {
  return new SatchelError("usage", message, { cause: new UsageContext(path, suggested) });
}

function inContext<T>(path: readonly CommandSpec[], read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SatchelError && error.cause === undefined) throw usageError(path, error.message);
    throw error;
  }
}
