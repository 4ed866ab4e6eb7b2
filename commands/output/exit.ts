import { type ErrorCode, SatchelError } from "../../lib/error.ts";

/** Exit status of a run that did what it was asked. */
export const EXIT_OK = 0;

/** Exit status of failures without one of their own. */
export const EXIT_FAILED = 1;

/** Exit status where bytes are not what they should be. */
export const EXIT_DAMAGED = 5;

/** Exit status after Ctrl-C. */
export const EXIT_CANCELLED = 130;

const STATUS: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  "not-found": 3,
  denied: 4,
  integrity: EXIT_DAMAGED,
  refused: 5,
  invalid: EXIT_FAILED,
  network: EXIT_FAILED,
  registry: EXIT_FAILED,
  "no-account": EXIT_FAILED,
  plugin: EXIT_FAILED,
  program: EXIT_FAILED,
  storage: EXIT_FAILED,
  busy: EXIT_FAILED,
  "content-lost": EXIT_FAILED,
  cancelled: EXIT_CANCELLED,
};

/** The exit status that tells scripts what went wrong. */
export function exitStatus(error: unknown): number {
  return error instanceof SatchelError ? STATUS[error.code] : EXIT_FAILED;
}
