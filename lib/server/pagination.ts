import { compareBytes } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";

/** The most entries of one answer, whatever was asked for. */
const MAX_ENTRIES = 10_000;

/** An order, as `sort` takes it. */
export type Compare = (a: string, b: string) => number;

/** A part of a list. */
export interface Page {
  entries: readonly string[];
  /** For the header `Link`; `undefined` on the last page. */
  link?: string;
}

/**
 * The part of a list that a request asks for by `n` and `last` (distribution-spec 1.1, end-8b; `_catalog` has the same). `last` need
 * not be in the list.
 *
 * @param sorted in the order of `compare`
 * @throws {ApiError} `UNSUPPORTED` (400) if `n` is no number: the specification has no code of its own for that
 */
export function pageOf(sorted: readonly string[], url: URL, compare: Compare = compareBytes): Page {
  const count = countOf(url);
  const last = url.searchParams.get("last");
  const start = last ? firstAfter(sorted, last, compare) : 0;
  const entries = sorted.slice(start, start + count);
  // "n" of zero is an empty list without a link.
  if (entries.length === 0 || start + count >= sorted.length) return { entries };
  return { entries, link: nextLink(url, { n: String(count), last: entries[entries.length - 1] }) };
}

/**
 * The header `Link` to the next page (RFC 8288): the same path, so that it holds behind a proxy, and the same query but for what is
 * given.
 */
export function nextLink(url: URL, changed: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(url.searchParams);
  for (const [name, value] of Object.entries(changed)) query.set(name, value);
  return `<${url.pathname}?${query}>; rel="next"`;
}

function countOf({ searchParams }: URL): number {
  const text = searchParams.get("n");
  if (!text) return MAX_ENTRIES;
  if (/^\d+$/.test(text)) return Math.min(Number(text), MAX_ENTRIES);
  throw new ApiError("UNSUPPORTED", "n is not a number of entries", {
    status: 400,
    detail: { n: text.slice(0, 100) },
  });
}

/** Where the first entry behind `last` stands. */
function firstAfter(sorted: readonly string[], last: string, compare: Compare): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(sorted[middle], last) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
