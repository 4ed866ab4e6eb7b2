import { SatchelError } from "../error.ts";
import { canonicalRegistry, type Digest, formatRepository, parseReference, type Reference } from "../oci/mod.ts";
import { printable } from "../printable.ts";

/** Names that somebody means, normalised like those of images. */
export interface NamePattern {
  /** As it was written. */
  text: string;
  /**
   * - `repository`: each tag and digest of it
   * - `tag`: this tag alone, where no digest stands beside it
   * - `digest`: this digest in this repository, whatever it is called
   * - `prefix`: every name that starts so, tags included
   */
  kind: "repository" | "tag" | "digest" | "prefix";
  /** What is compared, in full: `registry/repository`, with `:tag` or `@digest`, or the start of one. */
  value: string;
}

/** An image, as patterns see it. */
export interface ImageName {
  reference: Reference;
  /** What the name stands for, where that is known. */
  digest?: Digest;
}

/** Stands for what follows a prefix, while that is read as a name. */
const ANYTHING = "x";

/**
 * Reads a pattern: a repository, with a tag or a digest or neither, or the start of names with `*` behind it. What is left out is filled
 * in as in names of images: `trace_*` is `ghcr.io/inspektor-gadget/gadget/trace_*`.
 *
 * @throws {SatchelError} `usage` for what is no name, and for a `*` that would let in names of other registries or of other owners
 */
export function parseNamePattern(text: string): NamePattern {
  if (text.endsWith("*")) return { text, kind: "prefix", value: prefixOf(text) };
  if (text.includes("*")) throw invalid(text, "* can only stand at its end");
  const reference = parseReference(text);
  const { tag, digest } = reference;
  const repository = comparable(reference);
  if (digest !== undefined) return { text, kind: "digest", value: `${repository}@${digest}` };
  const isTagged = text.slice(text.lastIndexOf("/") + 1).includes(":");
  if (!isTagged) return { text, kind: "repository", value: repository };
  return { text, kind: "tag", value: `${repository}:${tag}` };
}

/** Makes the test of whether an image is meant by a pattern. A tag beside a digest decides nothing, here as elsewhere. */
export function matcherOf({ reference, digest = reference.digest }: ImageName): (pattern: NamePattern) => boolean {
  const repository = comparable(reference);
  const name = reference.digest === undefined ? `${repository}:${reference.tag}` : `${repository}@${reference.digest}`;
  return ({ kind, value }) => {
    if (kind === "prefix") return name.startsWith(value);
    if (kind === "repository") return value === repository;
    return value === (kind === "tag" ? name : `${repository}@${digest}`);
  };
}

/**
 * Which of two patterns says more: a digest before all, then the longer one; one that is whole before a start of the same length.
 *
 * @returns a negative number if it is the first one
 */
export function compareSpecificity(a: NamePattern, b: NamePattern): number {
  const rank = ({ kind }: NamePattern) => kind === "digest" ? 0 : 1;
  const isPrefix = ({ kind }: NamePattern) => Number(kind === "prefix");
  return rank(a) - rank(b) || b.value.length - a.value.length || isPrefix(a) - isPrefix(b);
}

/**
 * A repository by the one name that stands for all that lead to the same place: a host is written in any case, with the port of HTTPS or
 * without it, and Docker Hub has three names.
 */
function comparable({ registry, repository }: Reference): string {
  const host = canonicalRegistry(canonicalHost(registry));
  const isShort = host === "docker.io" && !repository.includes("/");
  return formatRepository({ registry: host, repository: isShort ? `library/${repository}` : repository });
}

/** A host as connections are made to it. */
function canonicalHost(registry: string): string {
  try {
    return new URL(`https://${registry}`).host;
  } catch {
    return registry.toLowerCase();
  }
}

function prefixOf(text: string): string {
  const start = text.slice(0, -1);
  if (start === "") return "";
  if (start.includes("@")) throw invalid(text, "a digest is written whole");
  checkReach(text, start);
  // Two parts, so that none is filled in before them.
  const rest = start.endsWith("/") ? `${ANYTHING}/${ANYTHING}` : ANYTHING;
  const reference = parseReference(`${start}${rest}`);
  const name = comparable(reference);
  const isTagged = start.slice(start.lastIndexOf("/") + 1).includes(":");
  return (isTagged ? `${name}:${reference.tag}` : name).slice(0, -rest.length);
}

/** A `*` within a host would mean other people's hosts, and one within the first part of a path other people's names on a host of many. */
function checkReach(text: string, start: string): void {
  const [first, ...path] = start.split("/");
  if (path.length === 0) {
    if (/^[^:]*[.A-Z]|^localhost$|:[0-9]*$/.test(first)) {
      throw invalid(text, `it would mean other registries too: write ${first}/*`);
    }
    return;
  }
  const { repository } = parseReference(`${first}/${ANYTHING}/${ANYTHING}`);
  const isHost = repository === `${ANYTHING}/${ANYTHING}`;
  const [owner] = path;
  if (!isHost || path.length > 1 || owner === "" || owner.includes(":")) return;
  throw invalid(text, `it would mean every owner whose name starts so: write ${start}/*, or each repository`);
}

function invalid(text: string, reason: string): SatchelError {
  return new SatchelError("usage", `${printable(JSON.stringify(text), 300)} is no pattern of names: ${reason}`);
}
