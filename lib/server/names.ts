import { SatchelError } from "../error.ts";
import { formatRepository, isRegistry, isRepository, parseReference } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import type { RepositoryName } from "./repositories.ts";

/** How names of requests become names of repositories. */
export interface NameRules {
  /** Registries that the server stands in for, as `--mirror-of` names them; a name without a registry is looked for there. */
  mirrorOf: readonly string[];
}

/**
 * The repositories that a name of a request may stand for, the likeliest first; what is pushed goes to the first one.
 *
 * - with `ns` (what container engines ask mirrors with): that registry's repository of this name
 * - `ghcr.io/inspektor-gadget/gadget/trace_open`: a full name, by the same rule as on the command line
 * - without a registry: that of each registry that the server stands in for, else as on the command line, so that
 *   `trace_open` is `ghcr.io/inspektor-gadget/gadget/trace_open`
 *
 * @throws {ApiError} `NAME_INVALID`
 */
export function repositoriesOf(name: string, ns: string | undefined, rules: NameRules): RepositoryName[] {
  if (ns) return [inRegistry(ns, name)];
  const parsed = parsedName(name);
  if (rules.mirrorOf.length === 0 || namesRegistry(parsed, name)) return [parsed];
  return rules.mirrorOf.map((registry) => inRegistry(registry, name));
}

/** The name by which clients get a repository from this server. */
export function offeredName(repository: RepositoryName, rules: NameRules): string {
  return rules.mirrorOf.includes(repository.registry) ? repository.repository : formatRepository(repository);
}

function namesRegistry({ registry }: RepositoryName, name: string): boolean {
  return name.toLowerCase().startsWith(`${registry}/`);
}

function inRegistry(registry: string, repository: string): RepositoryName {
  if (!isRegistry(registry) || !isRepository(repository)) throw invalidName(`${registry}/${repository}`);
  const { registry: canonical } = parsedName(`${registry}/${repository}`);
  return { registry: canonical, repository };
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
