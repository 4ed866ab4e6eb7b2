import { readFileSync } from "node:fs";
import { openCredentials } from "../lib/credentials/mod.ts";
import { SatchelError } from "../lib/error.ts";
import type { Reference } from "../lib/oci/mod.ts";
import { openRepository, type RegistryOptions, type RegistryRepository } from "../lib/registry/mod.ts";
import { runtime, type TlsOptions } from "../lib/runtime/mod.ts";
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
  const tls = readTls(settings);
  return openRepository(reference, {
    ...options,
    plainHttp: isInsecure(settings, reference),
    credentials: await openCredentials({
      ...(settings.authfile !== undefined && { authFile: settings.authfile }),
      defaultAuthFiles: settings.usualAuthfiles,
    }),
    userAgent: `satchel/${VERSION}`,
    onRetry: reporter.detail,
    onWarning: reporter.warn,
    ...(settings.proxied && { connections: 0 }),
    ...(tls && { tls }),
    ...(reporter.debug && { log: reporter.debug }),
  });
}

/** Bun follows `SSL_CERT_FILE` by itself, Deno does not. */
function readTls({ caFile }: Settings): TlsOptions | undefined {
  if (caFile === undefined || runtime().name === "bun") return undefined;
  try {
    return { ca: readFileSync(caFile, "utf8") };
  } catch (cause) {
    throw new SatchelError("usage", `cannot read the certificates of SSL_CERT_FILE, ${caFile}`, { cause });
  }
}
