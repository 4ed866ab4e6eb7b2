/** What a request wants to have of some bytes. */
export type WantedRange = "whole" | "unsatisfiable" | { start: number; length: number };

/**
 * Reads `Range` and `If-Range` of a GET (RFC 9110, 14.2 and 13.1.5). What is malformed, of another unit, or more than one range, counts
 * as nothing: the whole is a right answer to any of them.
 *
 * @param size of the whole, in bytes
 * @param etag of the whole, a strong one
 */
export function wantedRange({ method, headers }: Request, size: number, etag: string): WantedRange {
  const range = headers.get("Range");
  if (method !== "GET" || range === null) return "whole";
  const condition = headers.get("If-Range");
  // A date is that of another state as well: there is none here to compare it with.
  if (condition !== null && condition.trim() !== etag) return "whole";
  const [, first, last] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(range.trim()) ?? [];
  if (first === undefined || (first === "" && last === "")) return "whole";
  return first === ""
    ? suffix(Number(last), size)
    : between(Number(first), last === "" ? Infinity : Number(last), size);
}

function suffix(wanted: number, size: number): WantedRange {
  const length = Math.min(wanted, size);
  return length === 0 ? "unsatisfiable" : { start: size - length, length };
}

function between(first: number, last: number, size: number): WantedRange {
  // It may be ignored or rejected (14.2); a client that counts wrong hears of it that way.
  if (last < first) return "unsatisfiable";
  return first >= size ? "unsatisfiable" : { start: first, length: Math.min(last, size - 1) - first + 1 };
}
