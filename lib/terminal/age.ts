/** A point in time by RFC 3339, as `org.opencontainers.image.created` has it. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Reads a point in time by RFC 3339.
 *
 * @returns milliseconds since 1970, or `undefined` if it is none
 */
export function parseTime(text: string): number | undefined {
  if (!RFC_3339.test(text)) return undefined;
  const time = Date.parse(text.toUpperCase().replace(" ", "T"));
  return Number.isNaN(time) ? undefined : time;
}

/**
 * How long ago something was, worded as Docker does: `30 minutes ago`, `About a minute ago`, `Less than a second ago`.
 * A clock that is a minute off is no future; what is further ahead is `in 2 hours`.
 *
 * @param time milliseconds since 1970
 * @param now milliseconds since 1970
 */
export function formatAge(time: number, now: number): string {
  const elapsed = now - time;
  if (elapsed > -MINUTE) return `${humanDuration(Math.max(elapsed, 0))} ago`;
  const ahead = humanDuration(-elapsed);
  return `in ${ahead.charAt(0).toLowerCase()}${ahead.slice(1)}`;
}

/**
 * Docker's `HumanDuration` (github.com/docker/go-units, duration.go): the one unit that says most.
 *
 * @param duration in milliseconds, not negative
 */
export function humanDuration(duration: number): string {
  const seconds = Math.floor(duration / SECOND);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(duration / MINUTE);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.floor(duration / HOUR + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(Math.floor(duration / HOUR) / 24 / 365)} years`;
}

/** What is left, as `5s`, `3m20s`, `2h05m`. */
export function formatRemaining(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / SECOND);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${pad(seconds % 60)}s`;
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
