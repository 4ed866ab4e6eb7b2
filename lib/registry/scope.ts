/** What a token is asked for (distribution's token specification): `repository:name:pull,push`. */
export interface Scope {
  /** `repository:library/ubuntu`; the actions follow after its last colon. */
  resource: string;
  /** `pull`, `push`, `delete`, `*`. */
  actions: readonly string[];
}

/** The right to read a repository. */
export function pullScope(repository: string): Scope {
  return { resource: `repository:${repository}`, actions: ["pull"] };
}

/** The right to read and write a repository; a registry checks both for an upload. */
export function pushScope(repository: string): Scope {
  return { resource: `repository:${repository}`, actions: ["pull", "push"] };
}

/** Reads the `scope` of a challenge: several stand with spaces between them. */
export function parseScopes(text: string): Scope[] {
  const scopes: Scope[] = [];
  for (const part of text.split(" ")) {
    const colon = part.lastIndexOf(":");
    if (colon <= 0) continue;
    const actions = part.slice(colon + 1).split(",").filter((action) => action !== "");
    scopes.push({ resource: part.slice(0, colon), actions });
  }
  return scopes;
}

/** One scope for each resource, with all its actions, in an order that does not depend on that of the input. */
export function mergeScopes(...lists: readonly (readonly Scope[])[]): Scope[] {
  const merged = new Map<string, Set<string>>();
  for (const { resource, actions } of lists.flat()) {
    const known = merged.get(resource) ?? new Set<string>();
    for (const action of actions) known.add(action);
    merged.set(resource, known);
  }
  return [...merged].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([resource, actions]) => ({ resource, actions: [...actions].sort() }));
}

/** `repository:foo:pull,push`, as a token service reads it. */
export function formatScope({ resource, actions }: Scope): string {
  return `${resource}:${actions.join(",")}`;
}

/** Whether what was granted for `held` is enough for `needed`. */
export function covers(held: readonly Scope[], needed: readonly Scope[]): boolean {
  return needed.every(({ resource, actions }) => {
    const match = held.find((scope) => scope.resource === resource);
    return match !== undefined && actions.every((action) => match.actions.includes(action));
  });
}
