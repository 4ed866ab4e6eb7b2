import { write } from "../../lib/terminal/streams.ts";
import { errorText } from "./error_text.ts";
import { EXIT_FAILED, EXIT_OK, exitStatus } from "./exit.ts";

/**
 * Prints several failures, each as an error of its own.
 *
 * @returns the exit status that they have in common, or else 1; 0 without any
 */
export function printFailures(failures: readonly unknown[]): number {
  for (const failure of failures) write("stderr", errorText(failure));
  const statuses = new Set(failures.map(exitStatus));
  const [status = EXIT_OK] = statuses;
  return statuses.size > 1 ? EXIT_FAILED : status;
}
