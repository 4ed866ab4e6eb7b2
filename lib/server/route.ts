import { ApiError } from "./api_error.ts";

/** What a path of the API is about (distribution-spec 1.1, "Endpoints"). */
export type Route =
  | { endpoint: "version" } // end-1
  | { endpoint: "catalog" }
  | { endpoint: "blob"; name: string; digest: string } // end-2, end-10
  | { endpoint: "manifest"; name: string; reference: string } // end-3, end-7, end-9
  | { endpoint: "uploads"; name: string } // end-4a, end-4b, end-11
  | { endpoint: "upload"; name: string; id: string } // end-5, end-6, end-13
  | { endpoint: "tags"; name: string } // end-8a, end-8b
  | { endpoint: "referrers"; name: string; digest: string }; // end-12a, end-12b

/** From the right, since the path of a repository may have parts of the same names. */
const PATTERNS: readonly [RegExp, (name: string, last: string) => Route][] = [
  [/^(.+)\/blobs\/uploads\/?$/, (name) => ({ endpoint: "uploads", name })],
  [/^(.+)\/blobs\/uploads\/([^/]+)$/, (name, id) => ({ endpoint: "upload", name, id })],
  [/^(.+)\/blobs\/([^/]+)$/, (name, digest) => ({ endpoint: "blob", name, digest })],
  [/^(.+)\/manifests\/([^/]+)$/, (name, reference) => ({ endpoint: "manifest", name, reference })],
  [/^(.+)\/tags\/list$/, (name) => ({ endpoint: "tags", name })],
  [/^(.+)\/referrers\/([^/]+)$/, (name, digest) => ({ endpoint: "referrers", name, digest })],
];

/**
 * @param path of the request, with its escapes
 * @returns `undefined` if it is not one of the API's
 * @throws {ApiError} `NAME_INVALID` if its escapes are broken, or stand for a slash
 */
export function parseRoute(path: string): Route | undefined {
  if (path === "/v2" || path === "/v2/") return { endpoint: "version" };
  if (!path.startsWith("/v2/")) return undefined;
  const rest = path.slice("/v2/".length).split("/").map(decoded).join("/");
  if (rest === "_catalog") return { endpoint: "catalog" };
  for (const [pattern, route] of PATTERNS) {
    const found = pattern.exec(rest);
    if (found) return route(found[1], found[2]);
  }
  return undefined;
}

/** One part of a path; it stays one, so that what a proxy lets through is what is answered. */
function decoded(part: string): string {
  if (!part.includes("%")) return part;
  let text: string | undefined;
  try {
    text = decodeURIComponent(part);
  } catch {
    // Not UTF-8, or no escapes at all.
  }
  if (text === undefined || text.includes("/")) {
    throw new ApiError("NAME_INVALID", "the escapes of the path are broken");
  }
  return text;
}
