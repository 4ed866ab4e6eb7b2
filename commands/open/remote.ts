import { formatBytes } from "../../lib/terminal/bytes.ts";
import type { Source, Target } from "../../lib/content/mod.ts";
import type { Reference } from "../../lib/oci/mod.ts";
import type { PluginHost } from "../../lib/plugin/mod.ts";
import {
  openPullSource,
  openRepository,
  type PullSource,
  type RegistryOptions,
  type Served,
} from "../../lib/registry/mod.ts";
import { openAccounts } from "./accounts.ts";
import { VERSION } from "../build_info.ts";
import { tlsFor } from "./certificates.ts";
import { count } from "../output/count.ts";
import type { Reporter } from "../output/reporter.ts";
import { isInsecure, type Settings } from "../settings/settings.ts";

/** What a command needs to speak to registries. */
export interface RemoteContext {
  settings: Settings;
  reporter: Reporter;
  plugins: PluginHost;
}

/** What is the same for every host that a command speaks to. */
export type ConnectionOptions =
  & Pick<RegistryOptions, "tls" | "proxied" | "userAgent" | "onRetry" | "log">
  & Required<Pick<RegistryOptions, "onWarning">>;

/**
 * How connections are made, by the settings.
 *
 * @param registry the one that the command names
 * @throws {SatchelError} `usage` if the folder of `--cert-dir` cannot be used
 */
export function connectionOptions(
  registry: string,
  { settings, reporter }: Pick<RemoteContext, "settings" | "reporter">,
): ConnectionOptions {
  return {
    tls: tlsFor(settings, registry, reporter.warn),
    proxied: settings.proxied,
    userAgent: `satchel/${VERSION}`,
    onRetry: reporter.detail,
    onWarning: reporter.warn,
    ...(reporter.debug && { log: reporter.debug }),
  };
}

/** Opens a repository of a registry, with the accounts, certificates and connections that the settings name. */
export async function openRemote(
  reference: Reference,
  context: RemoteContext,
  options: Pick<RegistryOptions, "access" | "mountFrom"> = {},
): Promise<Source & Target> {
  const { settings, plugins, reporter } = context;
  return openRepository(reference, {
    ...connectionOptions(reference.registry, context),
    plainHttp: isInsecure(settings, reference),
    credentials: (await openAccounts(settings, plugins, reporter)).lookUp,
    ...options,
  });
}

/** Opens what an image is pulled from: its mirrors, where the settings have some, and the repository itself. */
export async function openRemoteSource(reference: Reference, context: RemoteContext): Promise<PullSource> {
  const { settings, plugins, reporter } = context;
  return openPullSource(reference, {
    ...connectionOptions(reference.registry, context),
    mirrors: settings.mirrors,
    isPlainHttp: (registry) => isInsecure(settings, { registry }),
    credentials: (await openAccounts(settings, plugins, reporter)).lookUp,
    onDetail: reporter.detail,
  });
}

/** Who gave how much, in one line. */
export function servedLine(served: readonly Served[]): string {
  const parts = served.map(({ name, blobs, bytes }) => `${count(blobs, "blob")} (${formatBytes(bytes)}) from ${name}`);
  return `Served: ${parts.length === 0 ? "nothing" : parts.join(", ")}`;
}
