import type { Source } from "../../lib/content/mod.ts";
import type { CredentialLookup } from "../../lib/credential.ts";
import { formatRepository, type Reference } from "../../lib/oci/mod.ts";
import type { PluginHost } from "../../lib/plugin/mod.ts";
import {
  mirrorsOf,
  openMirrored,
  openRepository,
  type RegistryOptions,
  type RegistryRepository,
  type Served,
} from "../../lib/registry/mod.ts";
import { formatBytes } from "../../lib/terminal/bytes.ts";
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

/** What an image is pulled from. */
export interface RemoteSource extends Source {
  /** Who gave how much so far; absent without mirrors. */
  served?(): Served[];
}

/** The longest silence of a mirror, in milliseconds, and how often it is asked again: there is another place to ask. */
const MIRROR_PATIENCE = { idleTimeout: 10_000, retries: 1 };

/** Opens a repository of a registry, with the accounts, certificates and connections that the settings name. */
export async function openRemote(
  reference: Reference,
  context: RemoteContext,
  options: Pick<RegistryOptions, "access" | "mountFrom"> = {},
): Promise<RegistryRepository> {
  const { settings, plugins, reporter } = context;
  const tls = tlsFor(settings, reference.registry, reporter.warn);
  return openWith(await openAccounts(settings, plugins, reporter), reference, context, { ...options, tls });
}

/** Opens what an image is pulled from: its mirrors, where the settings have some, and the repository itself. */
export async function openRemoteSource(reference: Reference, context: RemoteContext): Promise<RemoteSource> {
  const mirrors = mirrorsOf(context.settings.mirrors, reference);
  if (mirrors.length === 0) return await openRemote(reference, context);
  const { settings, plugins, reporter } = context;
  // Looked up by the name of whoever is asked, so that no mirror gets the registry's account.
  const accounts = await openAccounts(settings, plugins, reporter);
  const tls = tlsFor(settings, reference.registry, reporter.warn);
  return openMirrored({
    mirrors: mirrors.map(({ mirror, repository }) => {
      const at = { registry: mirror.registry, repository };
      const plainHttp = mirror.scheme === "http" || (mirror.scheme === undefined && isInsecure(settings, mirror));
      const options: RegistryOptions = {
        ...MIRROR_PATIENCE,
        plainHttp,
        tls,
        standsFor: reference.registry,
        // As long as somebody else can say it, a refusal is no answer.
        onReferrersDenied: (error) => {
          throw error;
        },
      };
      return {
        name: formatRepository(at),
        resolveTags: mirror.resolveTags,
        open: async () => openWith(accounts, at, context, options),
      };
    }),
    registry: {
      name: formatRepository(reference),
      open: async () => openWith(accounts, reference, context, { tls }),
    },
    onDetail: reporter.detail,
    onWarning: reporter.warn,
  });
}

/** Who gave how much, in one line. */
export function servedLine(served: readonly Served[]): string {
  const parts = served.map(({ name, blobs, bytes }) => `${count(blobs, "blob")} (${formatBytes(bytes)}) from ${name}`);
  return `Served: ${parts.length === 0 ? "nothing" : parts.join(", ")}`;
}

function openWith(
  credentials: CredentialLookup,
  at: Pick<Reference, "registry" | "repository">,
  { settings, reporter }: RemoteContext,
  options: RegistryOptions,
): RegistryRepository {
  return openRepository(at, {
    plainHttp: isInsecure(settings, at),
    credentials,
    userAgent: `satchel/${VERSION}`,
    onRetry: reporter.detail,
    onWarning: reporter.warn,
    proxied: settings.proxied,
    ...(reporter.debug && { log: reporter.debug }),
    ...options,
  });
}
