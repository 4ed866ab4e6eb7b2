import type { CommandSpec } from "./spec.ts";
import type { FlagValues } from "./flags.ts";

/** The variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One call of a command: all that it may look at. */
export interface Invocation {
  /** From the root, whose name is what the program calls itself (`satchel` or `ig`), to the command that runs. */
  path: readonly CommandSpec[];
  /** What stands on the command line beside commands and flags. */
  arguments: readonly string[];
  flags: FlagValues;
  environment: Environment;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}
