import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { type Digest, hasUnknownAlgorithm, parseDigest } from "./digest.ts";

/** Where a name without a registry is looked for. */
const DEFAULT_REGISTRY = "ghcr.io";

/** Where a name of one part on the default registry is looked for. */
const OFFICIAL_NAMESPACE = "inspektor-gadget/gadget/";

/** Cut off by {@link familiarRepository}, as `ig image list` does. */
const OFFICIAL_PREFIX = `${DEFAULT_REGISTRY}/${OFFICIAL_NAMESPACE}`;

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_ALIASES: readonly string[] = ["index.docker.io", "registry-1.docker.io"];

/** The longest repository name, registry included, of the distribution reference grammar. */
const MAX_NAME_LENGTH = 255;

const PATH_COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const REPOSITORY_GRAMMAR = new RegExp(`^${PATH_COMPONENT}(?:/${PATH_COMPONENT})*$`);
const DOMAIN_COMPONENT = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const REGISTRY_GRAMMAR = new RegExp(
  `^(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`,
);
const TAG_GRAMMAR = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** A full name of an artifact: registry, repository, and a tag or a digest or both. */
export interface Reference {
  /** Host, with a port where it has one: `ghcr.io`, `127.0.0.1:5000`, `docker.io`. */
  registry: string;
  /** Path on the registry: `inspektor-gadget/gadget/trace_open`. */
  repository: string;
  tag?: string;
  digest?: Digest;
}

/**
 * Reads a name as a user types it, by the distribution reference grammar and `ig`'s defaults: `foo` is
 * `ghcr.io/inspektor-gadget/gadget/foo:latest`, `foo/bar` is `ghcr.io/foo/bar:latest`, `docker.io/foo` is
 * `docker.io/library/foo:latest`. The first part is a registry if it has a dot, a colon or an upper-case letter, or is
 * `localhost`.
 *
 * @throws {SatchelError} `usage`
 *
 * @example
 * ```ts
 * formatReference(parseReference("trace_open")); // "ghcr.io/inspektor-gadget/gadget/trace_open:latest"
 * ```
 */
export function parseReference(text: string): Reference {
  const { name, tag, digest } = splitName(text);
  const { registry, path } = splitRegistry(name);
  const repository = withNamespace(registry, path);
  checkRepository(text, registry, repository, path);
  if (tag !== undefined && !TAG_GRAMMAR.test(tag)) {
    throw invalidReference(text, `${printable(JSON.stringify(tag), 200)} is not a valid tag`);
  }
  const reference: Reference = { registry, repository };
  if (tag !== undefined) reference.tag = tag;
  else if (digest === undefined) reference.tag = "latest";
  if (digest !== undefined) reference.digest = checkedDigest(text, digest);
  return reference;
}

/** `registry/repository[:tag][@digest]`, the form in which the store keeps names. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${formatRepository(reference)}${tag}${digest}`;
}

/** `registry/repository`. */
export function formatRepository(reference: Pick<Reference, "registry" | "repository">): string {
  return `${reference.registry}/${reference.repository}`;
}

/** The repository as lists show it: without `ghcr.io/inspektor-gadget/gadget/`. */
export function familiarRepository(reference: Pick<Reference, "registry" | "repository">): string {
  const full = formatRepository(reference);
  const isOfficial = full.startsWith(OFFICIAL_PREFIX) && !full.slice(OFFICIAL_PREFIX.length).includes("/");
  return isOfficial ? full.slice(OFFICIAL_PREFIX.length) : full;
}

/** Whether `text` is a tag by the distribution grammar. */
export function isTag(text: string): boolean {
  return TAG_GRAMMAR.test(text);
}

/** Whether `text` is `host` or `host:port`. */
export function isRegistry(text: string): boolean {
  return REGISTRY_GRAMMAR.test(text);
}

/** Whether `text` is the path of a repository, or of what several have in common: `inspektor-gadget/gadget`. */
export function isRepository(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH && REPOSITORY_GRAMMAR.test(text);
}

/** The one name of a registry that has several: Docker Hub's three are `docker.io`. */
export function canonicalRegistry(registry: string): string {
  return DOCKER_HUB_ALIASES.includes(registry) ? DOCKER_HUB : registry;
}

/** The host that answers for a registry: Docker Hub's API is on `registry-1.docker.io`. */
export function registryHost(registry: string): string {
  return canonicalRegistry(registry) === DOCKER_HUB ? "registry-1.docker.io" : registry;
}

function splitName(text: string): { name: string; tag?: string; digest?: string } {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const rest = at < 0 ? text : text.slice(0, at);
  const colon = rest.lastIndexOf(":");
  const hasTag = colon > rest.lastIndexOf("/") && colon > rest.lastIndexOf("]");
  return hasTag ? { name: rest.slice(0, colon), tag: rest.slice(colon + 1), digest } : { name: rest, digest };
}

function splitRegistry(name: string): { registry: string; path: string } {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  if (slash < 0 || !isHost) return { registry: DEFAULT_REGISTRY, path: name };
  return { registry: canonicalRegistry(first), path: name.slice(slash + 1) };
}

function withNamespace(registry: string, path: string): string {
  if (path.includes("/")) return path;
  if (registry === DEFAULT_REGISTRY) return `${OFFICIAL_NAMESPACE}${path}`;
  return registry === DOCKER_HUB ? `library/${path}` : path;
}

function checkRepository(text: string, registry: string, repository: string, path: string): void {
  if (path === "" || !REGISTRY_GRAMMAR.test(registry)) throw invalidReference(text);
  if (!REPOSITORY_GRAMMAR.test(repository)) {
    const isUpperCase = REPOSITORY_GRAMMAR.test(repository.toLowerCase());
    throw invalidReference(
      text,
      isUpperCase ? `repository name (${printable(repository, 300)}) must be lowercase` : undefined,
    );
  }
  if (registry.length + 1 + repository.length > MAX_NAME_LENGTH) {
    throw invalidReference(text, `repository name must not be longer than ${MAX_NAME_LENGTH} characters`);
  }
}

function checkedDigest(text: string, digest: string): Digest {
  try {
    return parseDigest(digest);
  } catch (cause) {
    if (hasUnknownAlgorithm(digest)) throw unreadable(text, "unsupported digest algorithm", cause);
    throw invalidReference(text, undefined, cause);
  }
}

function invalidReference(text: string, detail?: string, cause?: unknown): SatchelError {
  return unreadable(text, `invalid reference format${detail === undefined ? "" : `: ${detail}`}`, cause);
}

function unreadable(text: string, reason: string, cause: unknown): SatchelError {
  const shown = text.length > 300 ? `${text.slice(0, 300)}...` : text;
  return new SatchelError("usage", `parsing image name ${printable(JSON.stringify(shown))}: ${reason}`, { cause });
}
