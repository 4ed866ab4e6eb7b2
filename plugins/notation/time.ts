import { FormatError, quoted } from "../signing/format_error.ts";

/** RFC 3339, with any part of a second. */
const TIME = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * Reads a time of RFC 3339.
 *
 * @param name what it is, for the message
 * @throws {FormatError}
 */
export function parseTime(value: unknown, name: string): Date {
  const [text, year, month, day] = (typeof value === "string" && TIME.exec(value)) || [];
  const time = new Date(text ?? Number.NaN);
  // A runtime may take the 30th of February for one in March.
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  if (isDay && !Number.isNaN(time.getTime())) return time;
  throw new FormatError(`${name} is no time: ${quoted(value)}`);
}

/** A time as messages and evidence have it: to the second, UTC. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}
