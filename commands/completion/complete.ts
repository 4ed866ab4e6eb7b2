import { write } from "../../lib/terminal/streams.ts";
import { EXIT_OK } from "../output/exit.ts";
import type { Invocation } from "../line/invocation.ts";
import { allCommands, findCommand, flagsOf, lenientFlags, positionals } from "../line/parse.ts";
import type { CommandSpec, FlagSpec } from "../line/spec.ts";
import { imageNames } from "./image_names.ts";

/** Something that a shell may offer. */
interface Candidate {
  value: string;
  description: string;
}

/** What a shell is to offer: these, or what it finds itself. */
type Answer = Candidate[] | "files" | "directories";

/**
 * `satchel __complete -- WORDS...`: what the last word, which may be empty or half typed, can become. The scripts of
 * `satchel completion` call it. The first line says who completes (`:words`, `:files`, `:directories`), the others are
 * words with their descriptions behind a tab. Whatever goes wrong, it prints nothing: a shell at its prompt is no
 * place for errors.
 */
export async function run(invocation: Invocation): Promise<number> {
  const [root] = invocation.path;
  const typed = invocation.arguments.slice(0, -1);
  const current = invocation.arguments.at(-1) ?? "";
  const answer = await complete(root, typed, current, invocation);
  const words = Array.isArray(answer) ? answer.filter(({ value }) => value.startsWith(current)) : [];
  const lines = [`:${Array.isArray(answer) ? "words" : answer}`, ...words.map(formatCandidate)];
  write("stdout", `${lines.join("\n")}\n`);
  return EXIT_OK;
}

function formatCandidate({ value, description }: Candidate): string {
  return description === "" ? value : `${value}\t${description}`;
}

async function complete(
  root: CommandSpec,
  typed: readonly string[],
  current: string,
  invocation: Invocation,
): Promise<Answer> {
  const words = positionals(root, typed);
  const path = findCommand(root, words);
  const command = path[path.length - 1];
  const flags = flagsOf(path);
  if (!typed.includes("--")) {
    // Commands may have different flags of one name, so those of the one at hand come first.
    const pending = flagBefore([...flags, ...flagsOf(allCommands(root))], typed);
    if (pending) return flagValues(pending);
    const inline = /^--([^=]+)=/.exec(current);
    if (inline) return inlineValues(flags.find((flag) => flag.name === inline[1]), inline[0]);
    if (current.startsWith("-")) return flagNames(flags);
  }
  if (command.completes === "commands") return subcommands(findCommand(root, words.slice(1)).at(-1));
  if (!command.load) return subcommands(command);
  const given = words.length - (path.length - 1);
  if (given >= (command.arguments?.max ?? 0)) return [];
  if (command.completes === "directories") return "directories";
  if (command.completes !== "images") return [];
  const flagsSoFar = lenientFlags(root, typed);
  return (await imageNames({ ...invocation, flags: flagsSoFar })).map((value) => ({ value, description: "" }));
}

/** The flag that the last word typed leaves without its value. */
function flagBefore(all: readonly FlagSpec[], typed: readonly string[]): FlagSpec | undefined {
  const last = typed.at(-1) ?? "";
  const long = /^--([^=]+)$/.exec(last);
  // `-qo` is `-q -o`; `-ojson` has its value with it.
  const letter = /^-[a-zA-Z]*([a-zA-Z])$/.exec(last);
  const flag = all.find(({ name, short }) => (long && name === long[1]) || (letter && short === letter[1]));
  const isValue = typed.length > 1 && flagBefore(all, typed.slice(0, -1)) !== undefined;
  return flag && flag.type !== "bool" && !isValue ? flag : undefined;
}

function flagValues({ values }: FlagSpec): Answer {
  if (values === "files" || values === "directories") return values;
  return (values ?? []).map((value) => ({ value, description: "" }));
}

function inlineValues(flag: FlagSpec | undefined, prefix: string): Answer {
  const answer = flag ? flagValues(flag) : [];
  return Array.isArray(answer) ? answer.map(({ value }) => ({ value: prefix + value, description: "" })) : answer;
}

function flagNames(flags: readonly FlagSpec[]): Candidate[] {
  const shown = flags.filter((flag) => !flag.hidden);
  return shown.map(({ name, usage }) => ({ value: `--${name}`, description: usage || "Print help" }));
}

function subcommands(command: CommandSpec | undefined): Candidate[] {
  const shown = (command?.commands ?? []).filter((each) => !each.hidden);
  return shown.map(({ name, short }) => ({ value: name, description: short }));
}
