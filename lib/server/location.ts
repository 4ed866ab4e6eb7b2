import type { Exchange } from "./exchange.ts";

/**
 * Where something of a repository is, for the header `Location`, without scheme and host: a proxy in between has others than this
 * server knows of. Registries for which this one stands in stay in the query.
 *
 * @param rest what follows the name, like `manifests/<digest>`
 */
export function locationOf({ url }: Exchange, name: string, rest: string): string {
  const ns = url.searchParams.get("ns");
  return `/v2/${encodeURI(name)}/${rest}${ns ? `?ns=${encodeURIComponent(ns)}` : ""}`;
}
