import { FormatError, quoted } from "../signing/format_error.ts";

/** RFC 3339, with any part of a second. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * Reads a time of RFC 3339.
 *
 * @param name what it is, for the message
 * @throws {FormatError}
 */
export function parseTime(value: unknown, name: string): Date {
  const time = new Date(typeof value === "string" && TIME.test(value) ? value : Number.NaN);
  if (!Number.isNaN(time.getTime())) return time;
  throw new FormatError(`${name} is no time: ${quoted(String(value))}`);
}

/** A time as messages and evidence have it: to the second, UTC. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}
