import { tlsFromCaFile, type TlsOptions } from "../lib/runtime/mod.ts";
import type { Settings } from "./settings.ts";

/** How TLS connections to the registry of a name are made; `undefined`: as the runtime does by itself. */
export function tlsFor(settings: Settings, _registry: string): TlsOptions | undefined {
  return settings.caFile === undefined ? undefined : tlsFromCaFile(settings.caFile);
}
