import { write } from "../../lib/terminal/streams.ts";
import type { Invocation } from "../line/invocation.ts";
import { flagsOf } from "../line/parse.ts";
import { failureText, hintText } from "./error_text.ts";
import { EXIT_FAILED, EXIT_OK, exitStatus } from "./exit.ts";

/**
 * Prints several failures, each as an error of its own; a hint that several have in a row stands behind the last of them.
 *
 * @returns the exit status that they have in common, or else 1; 0 without any
 */
export function printFailures(failures: readonly unknown[], { path }: Pick<Invocation, "path">): number {
  const flags = new Set(flagsOf(path).map(({ name }) => name));
  const hints = failures.map((failure) => hintText(failure, flags, path[0].name));
  for (const [at, failure] of failures.entries()) {
    write("stderr", failureText(failure) + (hints[at] === hints[at + 1] ? "" : hints[at]));
  }
  const statuses = new Set(failures.map(exitStatus));
  const [status = EXIT_OK] = statuses;
  return statuses.size > 1 ? EXIT_FAILED : status;
}
