import { canonicalRegistry, isRegistry, isRepository, type Reference } from "../oci/mod.ts";

/** A place that may hand out content in a registry's stead. */
export interface Mirror {
  /** `host[:port]`. */
  registry: string;
  /** What stands before the repository's own path there, or in place of its prefix; may be empty. */
  path: string;
  /** The scheme, where the configuration has one. */
  scheme?: "http" | "https";
  /** Whether it is believed when it says what a tag means, and what refers to an image. */
  resolveTags: boolean;
}

/** The mirrors of a registry, or of all repositories that start with these components. */
export interface MirrorRule {
  /** `host[:port]`, lower case, one name for Docker Hub. */
  registry: string;
  /** Whole components of a path; empty for all of the registry. */
  prefix: string;
  /** In the order in which they are asked. */
  mirrors: readonly Mirror[];
}

/** A mirror, and under which name it has a repository. */
export interface MirroredRepository {
  mirror: Mirror;
  /** The repository's path there. */
  repository: string;
}

/** Reads what mirrors are for: `ghcr.io`, `ghcr.io/inspektor-gadget`; `undefined` if it is no such name. */
export function parseMirrorKey(text: string): Pick<MirrorRule, "registry" | "prefix"> | undefined {
  const [registry, prefix] = splitAtSlash(text);
  if (!isRegistry(registry) || (prefix !== undefined && !isRepository(prefix))) return undefined;
  return { registry: canonicalRegistry(registry.toLowerCase()), prefix: prefix ?? "" };
}

/** Reads `[https://|http://]host[:port][/path]`; `undefined` if it is none. A slash at the end is of no meaning. */
export function parseEndpoint(text: string): Omit<Mirror, "resolveTags"> | undefined {
  const [, scheme, address] = /^(?:(https?):\/\/)?(.*?)\/*$/s.exec(text) ?? [];
  const [registry, path] = splitAtSlash(address ?? "");
  if (!isRegistry(registry) || (path !== undefined && !isRepository(path))) return undefined;
  const endpoint = { registry: registry.toLowerCase(), path: path ?? "" };
  return scheme === "http" || scheme === "https" ? { ...endpoint, scheme } : endpoint;
}

/** A mirror as a configuration file would have it, but without `resolveTags`. */
export function formatEndpoint({ registry, path, scheme }: Omit<Mirror, "resolveTags">): string {
  return `${scheme === undefined ? "" : `${scheme}://`}${registry}${path === "" ? "" : `/${path}`}`;
}

/**
 * The mirrors of a repository: those of the rule whose prefix is the longest. Behind a rule for a registry the repository keeps
 * its path; the prefix of any other is replaced by the mirror's path, as containers-registries.conf(5) does.
 *
 * @example
 * ```ts
 * // ghcr.io/inspektor-gadget: [cache.example/gadgets]
 * mirrorsOf(rules, { registry: "ghcr.io", repository: "inspektor-gadget/gadget/top" }); // cache.example/gadgets/gadget/top
 * ```
 */
export function mirrorsOf(
  rules: readonly MirrorRule[],
  reference: Pick<Reference, "registry" | "repository">,
): MirroredRepository[] {
  const registry = canonicalRegistry(reference.registry.toLowerCase());
  const matching = rules.filter((rule) => rule.registry === registry && isBelow(reference.repository, rule.prefix));
  const [rule] = matching.sort((a, b) => b.prefix.length - a.prefix.length);
  if (!rule) return [];
  const rest = rule.prefix === "" ? reference.repository : reference.repository.slice(rule.prefix.length + 1);
  return rule.mirrors.flatMap((mirror) => {
    const repository = [mirror.path, rest].filter((part) => part !== "").join("/");
    // A mirror without a path, for a prefix that is the whole name, has no name for it.
    return repository === "" ? [] : [{ mirror, repository }];
  });
}

function isBelow(repository: string, prefix: string): boolean {
  return prefix === "" || repository === prefix || repository.startsWith(`${prefix}/`);
}

function splitAtSlash(text: string): [string, string | undefined] {
  const slash = text.indexOf("/");
  return slash < 0 ? [text, undefined] : [text.slice(0, slash), text.slice(slash + 1)];
}
