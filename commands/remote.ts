import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CredentialLookup } from "../lib/content/mod.ts";
import { openCredentials } from "../lib/credentials/mod.ts";
import { SatchelError } from "../lib/error.ts";
import type { Reference } from "../lib/oci/mod.ts";
import { openRepository, type RegistryOptions, type RegistryRepository } from "../lib/registry/mod.ts";
import { runtime, type TlsOptions } from "../lib/runtime/mod.ts";
import { VERSION } from "./build_info.ts";
import type { Reporter } from "./reporter.ts";
import { isInsecure, type Settings } from "./settings.ts";

/** The authentication file that `ig login` writes. */
const IG_AUTH_FILE = "/var/lib/ig/config.json";

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
    credentials: await credentials(settings),
    userAgent: `satchel/${VERSION}`,
    onRetry: reporter.detail,
    onWarning: reporter.warn,
    ...(settings.proxied && { connections: 0 }),
    ...(tls && { tls }),
    ...(reporter.debug && { log: reporter.debug }),
  });
}

function credentials({ authfile, dockerConfig, home }: Settings): Promise<CredentialLookup> {
  // The default file may be named like any other, but need not exist.
  const named = authfile === IG_AUTH_FILE ? undefined : authfile;
  const folder = dockerConfig ?? (home && join(home, ".docker"));
  const usual = [IG_AUTH_FILE, ...(folder ? [join(folder, "config.json")] : [])];
  return openCredentials({
    ...(named !== undefined && { authFile: named }),
    defaultAuthFiles: usual.filter((path) => !isForbidden(path)),
  });
}

/** Root's file is not for others, and no reason for them to fail. */
function isForbidden(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "EACCES";
  }
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
