import { SatchelError } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import type { Reporter } from "../output/reporter.ts";

/** Something odd about a file that somebody wrote. */
export interface Problem {
  /** Both count from 1. */
  line: number;
  column: number;
  severity: "error" | "warning";
  text: string;
}

/**
 * Tells what is odd about a file.
 *
 * @param isStrict whether warnings are errors
 * @throws {SatchelError} `invalid`, with all errors, if there is one
 */
export function reportProblems(
  file: string,
  problems: readonly Problem[],
  isStrict: boolean,
  reporter: Pick<Reporter, "warn">,
): void {
  const shown = ({ line, column, text }: Problem) => `${printable(file)}:${line}:${column}: ${text}`;
  const errors = problems.filter(({ severity }) => isStrict || severity === "error");
  for (const problem of problems) if (!errors.includes(problem)) reporter.warn(shown(problem));
  if (errors.length === 0) return;
  const isOnlyStrict = errors.every(({ severity }) => severity === "warning");
  throw new SatchelError("invalid", errors.map(shown).join("\n"), {
    ...(isOnlyStrict && { hint: "Without --strict it is a warning." }),
  });
}
