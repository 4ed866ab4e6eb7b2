import { openCredentials } from "../lib/credentials/mod.ts";
import type { Reference } from "../lib/oci/mod.ts";
import { openRepository, type RegistryOptions, type RegistryRepository } from "../lib/registry/mod.ts";
import { tlsFromCaFile } from "../lib/runtime/mod.ts";
import { VERSION } from "./build_info.ts";
import type { Reporter } from "./reporter.ts";
import { isInsecure, type Settings } from "./settings.ts";

/** Opens a repository of a registry, with the accounts, certificates and connections that the settings name. */
export async function openRemote(
  reference: Reference,
  settings: Settings,
  reporter: Reporter,
  options: Pick<RegistryOptions, "access" | "mountFrom"> = {},
): Promise<RegistryRepository> {
  const tls = settings.caFile === undefined ? undefined : tlsFromCaFile(settings.caFile);
  return openRepository(reference, {
    ...options,
    plainHttp: isInsecure(settings, reference),
    credentials: await openCredentials({
      ...(settings.authfile !== undefined && { authFile: settings.authfile }),
      defaultAuthFiles: settings.usualAuthfiles,
      onWarning: reporter.warn,
    }),
    userAgent: `satchel/${VERSION}`,
    onRetry: reporter.detail,
    onWarning: reporter.warn,
    ...(settings.proxied && { connections: 0 }),
    ...(tls && { tls }),
    ...(reporter.debug && { log: reporter.debug }),
  });
}
