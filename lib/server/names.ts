import { SatchelError } from "../error.ts";
import { canonicalRegistry, compareBytes, formatRepository, isRegistry, parseReference } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import type { RepositoryName } from "./repositories.ts";

/** How names of requests become names of repositories. */
export interface NameRules {
  /** Registries that the server stands in for, as `--mirror-of` names them; a name without a registry is looked for there. */
  mirrorOf: readonly string[];
}

/** The longest name of a repository, its registry included, that anybody may have. */
const MAX_NAME_LENGTH = 255;

/**
 * The repositories that a name of a request may stand for, the likeliest first; what is pushed goes to the first one.
 *
 * - with `ns` (what container engines ask mirrors with): that registry's repository of this name, which may be a full one
 * - `ghcr.io/inspektor-gadget/gadget/trace_open`: a full name, by the same rule as on the command line; `127.0.0.1_5001/hello` is
 *   `127.0.0.1:5001/hello`, since clients cannot write a colon there
 * - without a registry: that of each registry that the server stands in for, else as on the command line, so that
 *   `trace_open` is `ghcr.io/inspektor-gadget/gadget/trace_open`
 *
 * See docs/decisions/031.
 *
 * @throws {ApiError} `NAME_INVALID`
 */
export function repositoriesOf(name: string, ns: string | undefined, rules: NameRules): RepositoryName[] {
  if (name.length > MAX_NAME_LENGTH) throw invalidName(name);
  if (ns) return inNamedRegistry(ns.toLowerCase(), name);
  const withPort = nameWithPort(name);
  if (withPort?.isCertain) return [withPort.repository];
  const parsed = parsedName(name);
  const others = withPort ? [withPort.repository] : [];
  if (rules.mirrorOf.length === 0 || namesRegistry(parsed, name)) return [parsed, ...others];
  return [...rules.mirrorOf.map((registry) => inRegistry(registry, name)), ...others];
}

/** The name by which clients get a repository from this server. */
export function offeredName(repository: RepositoryName, rules: NameRules): string {
  const full = `${repository.registry.replaceAll(":", "_")}/${repository.repository}`;
  if (!rules.mirrorOf.map(canonicalRegistry).includes(repository.registry)) return full;
  // `docker.io/x` of ghcr.io would be taken for Docker Hub's.
  return standsFor(repository.repository, repository, rules) ? repository.repository : full;
}

/** {@link offeredName} of many, each name once, in the order of their bytes: what two would be called stands for the likelier one. */
export function offeredNames(repositories: readonly RepositoryName[], rules: NameRules): string[] {
  const byName = new Map<string, RepositoryName>();
  for (const repository of repositories) {
    const name = offeredName(repository, rules);
    const other = byName.get(name);
    if (!other) {
      byName.set(name, repository);
      continue;
    }
    const isFirst = rank(repository, rules) < rank(other, rules);
    byName.set(name, isFirst ? repository : other);
    const second = isFirst ? other : repository;
    byName.set(offeredName(second, { mirrorOf: [] }), second);
  }
  return [...byName.keys()].sort(compareBytes);
}

function rank({ registry }: RepositoryName, { mirrorOf }: NameRules): number {
  return mirrorOf.map(canonicalRegistry).indexOf(registry);
}

function standsFor(name: string, wanted: RepositoryName, rules: NameRules): boolean {
  try {
    const full = formatRepository(wanted);
    return repositoriesOf(name, undefined, rules).some((each) => formatRepository(each) === full);
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}

/** A name whose registry has a port, written as {@link offeredName} writes it. */
function nameWithPort(name: string): { repository: RepositoryName; isCertain: boolean } | undefined {
  const [, first, path] = /^([^/]+)\/(.+)$/.exec(name) ?? [];
  const registry = first === undefined ? undefined : registryWithPort(first);
  if (registry === undefined) return undefined;
  const repository = parsedOrNothing(`${registry}/${path}`);
  // `team_1/app` may be a repository as well as something of the registry `team:1`.
  return repository && { repository, isCertain: /[.[A-Z]/.test(first) || first.startsWith("localhost_") };
}

function registryWithPort(written: string): string | undefined {
  const colons = written.startsWith("[") ? written.replaceAll("_", ":") : written.replace(/_(?=\d+$)/, ":");
  return colons !== written && isRegistry(colons) ? colons : undefined;
}

function namesRegistry({ repository }: RepositoryName, name: string): boolean {
  return name.includes("/") && repository !== name;
}

/** A mirror whose path is `ghcr.io` is asked for `ghcr.io/team/app`, with `ns` as well. */
function inNamedRegistry(ns: string, name: string): RepositoryName[] {
  const full = name.startsWith(`${ns}/`) ? parsedOrNothing(name) : undefined;
  return full?.registry === canonicalRegistry(ns) ? [full, inRegistry(ns, name)] : [inRegistry(ns, name)];
}

function inRegistry(registry: string, name: string): RepositoryName {
  const full = `${registry}/${name}`;
  const parsed = parsedName(full);
  // `ns=foo` is no registry: `foo/bar` is a repository of ghcr.io.
  if (parsed.registry !== canonicalRegistry(registry)) throw invalidName(full);
  return parsed;
}

function parsedOrNothing(name: string): RepositoryName | undefined {
  try {
    return parsedName(name);
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

function parsedName(name: string): RepositoryName {
  // What follows would be read as a tag or a digest; a colon may only be that of a port.
  if (name.includes("@") || name.lastIndexOf(":") > name.indexOf("/")) throw invalidName(name);
  try {
    const { registry, repository } = parseReference(name);
    return { registry, repository };
  } catch (error) {
    if (error instanceof SatchelError) throw invalidName(name);
    throw error;
  }
}

function invalidName(name: string): ApiError {
  return new ApiError("NAME_INVALID", "this is not a valid name of a repository", {
    detail: { name: name.slice(0, 300) },
  });
}
