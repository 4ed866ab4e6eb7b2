import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";

const MAX_SECONDS = 2n ** 63n - 1n;
const SECONDS_PER_DAY = 86_400n;

/**
 * Reads `SOURCE_DATE_EPOCH` (https://reproducible-builds.org/specs/source-date-epoch/): a whole number of seconds since 1970,
 * which may be negative.
 *
 * @throws {SatchelError} `usage` for anything else, an empty text among it
 */
export function readSourceDateEpoch(text: string): bigint {
  const seconds = /^[+-]?[0-9]{1,30}$/.test(text) ? BigInt(text.replace("+", "")) : undefined;
  if (seconds !== undefined && seconds <= MAX_SECONDS && seconds >= -MAX_SECONDS - 1n) return seconds;
  const shown = printable(JSON.stringify(text), 100);
  const why = seconds === undefined
    ? "it has to be a whole number of seconds since 1970"
    : "it is out of range, which is that of 64 bits";
  throw new SatchelError("usage", `invalid SOURCE_DATE_EPOCH ${shown}: ${why}`, {
    hint: "Unset it to have the current time, or take that of the last commit: " +
      "export SOURCE_DATE_EPOCH=$(git log -1 --pretty=%ct)",
  });
}

/** A time in UTC, to the second, as Go writes RFC 3339: `2023-11-14T22:13:20Z`; years beyond 9999 with all their digits. */
export function formatEpoch(seconds: bigint): string {
  const days = floorDivide(seconds, SECONDS_PER_DAY);
  const rest = Number(seconds - days * SECONDS_PER_DAY);
  const clock = [rest / 3600, (rest / 60) % 60, rest % 60].map((part) => twoDigits(Math.floor(part)));
  return `${dateOf(days)}T${clock.join(":")}Z`;
}

/** A time as the clock on the wall shows it, with its offset from UTC: `2026-11-24T16:29:20-05:00`, `...Z` where there is none. */
export function formatLocal(time: Date): string {
  const offset = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offset * 60_000).toISOString().replace(/\.\d+Z$/, "");
  if (offset === 0) return `${local}Z`;
  const minutes = Math.abs(offset);
  return `${local}${offset < 0 ? "-" : "+"}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
}

/** The Gregorian calendar repeats itself after so many days, 400 years. */
const DAYS_OF_CYCLE = 146_097n;

/** Of a number of days since 1970. `Date` knows 400 years of it by heart, but not 290,000,000,000. */
function dateOf(days: bigint): string {
  const cycles = floorDivide(days, DAYS_OF_CYCLE);
  const date = new Date(Number(days - cycles * DAYS_OF_CYCLE) * 86_400_000);
  const year = BigInt(date.getUTCFullYear()) + cycles * 400n;
  const digits = String(year < 0n ? -year : year).padStart(4, "0");
  return `${year < 0n ? "-" : ""}${digits}-${twoDigits(date.getUTCMonth() + 1)}-${twoDigits(date.getUTCDate())}`;
}

function floorDivide(number: bigint, by: bigint): bigint {
  const quotient = number / by;
  return number % by < 0n ? quotient - 1n : quotient;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
