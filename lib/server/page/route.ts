import { type Digest, isDigest, isTag } from "../../oci/mod.ts";

/** What a path of the pages is about. */
export type PageRoute =
  | { page: "list" }
  /** The name is one that clients pull by; it is not checked. Without a tag it is `latest`. */
  | { page: "image"; name: string; reference: string }
  /** A path of an image's page that names no image. */
  | { page: "unknown" };

const IMAGES = "/images/";

/** @param path with its escapes */
export function parsePageRoute(path: string): PageRoute | undefined {
  if (path === "/" || path === "/images" || path === IMAGES) return { page: "list" };
  if (!path.startsWith(IMAGES)) return undefined;
  const rest = decoded(path.slice(IMAGES.length));
  const [, name, tag = "latest", digest] = /^([^@:]+)(?::([^/:@]+)|@([^/@]+))?$/.exec(rest ?? "") ?? [];
  if (name === undefined) return { page: "unknown" };
  const reference = digest ?? tag;
  return isDigest(reference) || (digest === undefined && isTag(reference))
    ? { page: "image", name, reference }
    : { page: "unknown" };
}

/** The path of an image's page. */
export function imagePath(name: string, reference: string | Digest): string {
  const path = name.split("/").map(encodeURIComponent).join("/");
  return `${IMAGES}${path}${isDigest(reference) ? "@" : ":"}${reference}`;
}

/** The path of a page of the list. */
export function listPath(query: Readonly<Record<string, string>>): string {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
  return parameters.size === 0 ? "/" : `/?${parameters}`;
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
