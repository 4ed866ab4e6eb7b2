import type { CredentialLookup } from "../lib/credential.ts";
import { openCredentials } from "../lib/credentials/mod.ts";
import type { PluginHost } from "../lib/plugin/mod.ts";
import type { Reporter } from "./reporter.ts";
import type { Settings } from "./settings.ts";

/** Opens everything that knows accounts, in the order in which it is asked. */
export async function openAccounts(
  settings: Settings,
  _plugins: PluginHost,
  reporter: Reporter,
): Promise<CredentialLookup> {
  return await openCredentials({
    ...(settings.authfile !== undefined && { authFile: settings.authfile }),
    defaultAuthFiles: settings.usualAuthfiles,
    onWarning: reporter.warn,
  });
}
