import type { Digest } from "../oci/mod.ts";

/** The entity tag of what a digest names, a strong one: other bytes have another digest. */
export function etagOf(digest: Digest): string {
  return `"${digest}"`;
}

/** Whether a client has this already, as it says by `If-None-Match` (RFC 9110, 13.1.2). */
export function isNotModified({ headers }: Request, etag: string): boolean {
  const tags = headers.get("If-None-Match");
  if (tags === null) return false;
  return tags.trim() === "*" || tags.split(",").some((each) => each.trim().replace(/^W\//, "") === etag);
}
