import type { Invocation } from "./invocation.ts";

/**
 * What a flag takes: nothing (`bool`), one value (the last one given counts), or a list: of `strings` commas and repeats add
 * up, of a `stringArray` repeats alone, since its values may have commas. The one `int` that there is says how many things may
 * be done at the same time.
 */
export type FlagType = "bool" | "string" | "strings" | "stringArray" | "duration" | "int";

/** The forms in which results can be had; `columns` is the one for people. */
export const OUTPUT_MODES = ["columns", "json", "jsonpretty", "yaml"] as const;

/** A flag, as it is parsed and as help shows it. */
export interface FlagSpec {
  /** Without the dashes. */
  name: string;
  /** One letter. */
  short?: string;
  type: FlagType;
  usage: string;
  /** What holds without the flag, where help should tell. */
  default?: string;
  /** What shells complete as its value: one of these words, files or folders. */
  values?: readonly string[] | "files" | "directories";
  /** Not in help, not suggested, not completed. */
  hidden?: boolean;
}

/** How many arguments a command takes. */
export interface ArgumentCount {
  min: number;
  max: number;
}

/** What the module of a command exports. */
export interface CommandModule {
  /** Does the work and prints; returns the exit status, 0 but for findings that are no error (`store check`). */
  run(invocation: Invocation): Promise<number>;
  /** How long it may take to come to rest after Ctrl-C, in milliseconds. Default: two seconds. */
  grace?: number;
}

/** A command, or a group of commands. */
export interface CommandSpec {
  name: string;
  aliases?: readonly string[];
  /** Words of other tools that somebody may try for it; not taken, but it is suggested. */
  suggestFor?: readonly string[];
  /** One line, for the list of its parent. */
  short: string;
  /** What its own help starts with, instead of `short`. */
  long?: string;
  /** Its arguments, for the usage line: `SRC_IMAGE DST_IMAGE`. */
  usage?: string;
  examples?: string;
  arguments?: ArgumentCount;
  flags?: readonly FlagSpec[];
  /** What shells complete as its arguments. */
  completes?: "images" | "commands" | "directories";
  commands?: readonly CommandSpec[];
  /** Not in help, not suggested, not completed. */
  hidden?: boolean;
  /** Loads its code: only the command that runs is loaded. */
  load?: () => Promise<CommandModule>;
}
