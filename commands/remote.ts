import type { Source } from "../lib/content/mod.ts";
import type { Reference } from "../lib/oci/mod.ts";
import type { PluginHost } from "../lib/plugin/mod.ts";
import { openRepository, type RegistryOptions, type RegistryRepository } from "../lib/registry/mod.ts";
import { openAccounts } from "./accounts.ts";
import { VERSION } from "./build_info.ts";
import { tlsFor } from "./certificates.ts";
import type { Reporter } from "./reporter.ts";
import { isInsecure, type Settings } from "./settings.ts";

/** What a command needs to speak to registries. */
export interface RemoteContext {
  settings: Settings;
  reporter: Reporter;
  plugins: PluginHost;
}

/** Opens a repository of a registry, with the accounts, certificates and connections that the settings name. */
export async function openRemote(
  reference: Reference,
  { settings, reporter, plugins }: RemoteContext,
  options: Pick<RegistryOptions, "access" | "mountFrom"> = {},
): Promise<RegistryRepository> {
  const tls = tlsFor(settings, reference.registry);
  return openRepository(reference, {
    ...options,
    plainHttp: isInsecure(settings, reference),
    credentials: await openAccounts(settings, plugins, reporter),
    userAgent: `satchel/${VERSION}`,
    onRetry: reporter.detail,
    onWarning: reporter.warn,
    ...(settings.proxied && { connections: 0 }),
    ...(tls && { tls }),
    ...(reporter.debug && { log: reporter.debug }),
  });
}

/** Opens what an image is pulled from: its mirrors, where the settings have some, and the repository itself. */
export async function openRemoteSource(reference: Reference, context: RemoteContext): Promise<Source> {
  return await openRemote(reference, context);
}
