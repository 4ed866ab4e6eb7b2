import type { Digest } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";

/** The entity tag of what a digest names, a strong one: other bytes have another digest. */
export function etagOf(digest: Digest): string {
  return `"${digest}"`;
}

/** Whether a client has this already, as it says by `If-None-Match` (RFC 9110, 13.1.2). */
export function isNotModified({ headers }: Request, etag: string): boolean {
  const tags = headers.get("If-None-Match");
  return tags !== null && lists(tags, etag, (tag) => tag.replace(/^W\//, ""));
}

/**
 * Holds a request to `If-Match` (RFC 9110, 13.1.1).
 *
 * @param etag of what is there; `undefined` if there is nothing
 * @throws {ApiError} `UNSUPPORTED` (412)
 */
export function requireMatch({ headers }: Request, etag: string | undefined): void {
  const tags = headers.get("If-Match");
  if (tags === null || (etag !== undefined && lists(tags, etag))) return;
  throw preconditionFailed("If-Match");
}

/**
 * Holds a request that writes to `If-Match` and `If-None-Match` (RFC 9110, 13.1.1 and 13.1.2).
 *
 * @param etag of what is there; `undefined` if there is nothing
 * @throws {ApiError} `UNSUPPORTED` (412)
 */
export function requireWritable(request: Request, etag: string | undefined): void {
  requireMatch(request, etag);
  if (etag !== undefined && isNotModified(request, etag)) throw preconditionFailed("If-None-Match");
}

/** Whether a request that writes asks for something to be so before. */
export function isConditional({ headers }: Request): boolean {
  return headers.has("If-Match") || headers.has("If-None-Match");
}

function lists(tags: string, etag: string, read: (tag: string) => string = (tag) => tag): boolean {
  return tags.trim() === "*" || tags.split(",").some((each) => read(each.trim()) === etag);
}

function preconditionFailed(header: string): ApiError {
  return new ApiError("UNSUPPORTED", `what is there is not what ${header} says`, { status: 412 });
}
