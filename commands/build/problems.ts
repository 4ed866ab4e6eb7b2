import { SatchelError } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import type { Reporter } from "../output/reporter.ts";

/** Something odd about what somebody wrote. */
export interface Problem {
  /** Both count from 1; without them it is about the whole. */
  line?: number;
  column?: number;
  severity: "error" | "warning";
  text: string;
}

/** A problem that is about no place. */
export function oddity(text: string): Problem {
  return { severity: "warning", text };
}

/**
 * Tells what is odd about a file, or about a build.
 *
 * @param file `undefined` if the texts say what they are about
 * @param isStrict whether warnings are errors
 * @throws {SatchelError} `invalid`, with all errors, if there is one
 */
export function reportProblems(
  file: string | undefined,
  problems: readonly Problem[],
  isStrict: boolean,
  reporter: Pick<Reporter, "warn">,
): void {
  const name = file === undefined ? "" : printable(file);
  const place = ({ line, column }: Problem) => line === undefined ? name : `${name}:${line}:${column}`;
  const shown = (problem: Problem) => [place(problem), problem.text].filter((each) => each !== "").join(": ");
  const errors = problems.filter(({ severity }) => isStrict || severity === "error");
  for (const problem of problems) if (!errors.includes(problem)) reporter.warn(shown(problem));
  if (errors.length === 0) return;
  const isOnlyStrict = errors.every(({ severity }) => severity === "warning");
  throw new SatchelError("invalid", errors.map(shown).join("\n"), {
    ...(isOnlyStrict && { hint: "Without --strict it is a warning." }),
  });
}
