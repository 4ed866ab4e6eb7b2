import type { CredentialLookup } from "../../lib/credential.ts";
import { type Credentials, type HelperSource, type KeepOptions, openCredentials } from "../../lib/credentials/mod.ts";
import type { PluginHost } from "../../lib/plugin/mod.ts";
import { fileForWriting } from "../settings/auth_files.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";

/** Opens everything that knows accounts, for those who pull and push. */
export async function openAccounts(
  settings: Settings,
  plugins: PluginHost,
  reporter: Reporter,
): Promise<CredentialLookup> {
  return (await openKnownAccounts(settings, plugins, reporter)).lookUp;
}

/**
 * Opens everything that knows accounts, in the order in which it is asked.
 *
 * @throws {SatchelError} `usage` if a named auth file is missing, `invalid` if it is broken
 */
export async function openKnownAccounts(
  { authFiles }: Settings,
  plugins: PluginHost,
  reporter: Reporter,
  options: { mayBeMissing?: boolean } = {},
): Promise<Credentials> {
  return await openCredentials({
    plugins: plugins.credentialSources(),
    files: authFiles,
    helperSource: helperSource(plugins),
    onWarning: reporter.warn,
    ...options,
  });
}

/** Where login puts accounts, and where logout takes them from. */
export function keepOptions(
  { authFiles, lockTimeout }: Settings,
  plugins: PluginHost,
  reporter: Reporter,
  signal: AbortSignal,
): KeepOptions {
  const file = fileForWriting(authFiles);
  return {
    plugins: plugins.credentialSources(),
    file,
    helperSource: helperSource(plugins),
    onWarning: reporter.warn,
    onWait: () => reporter.status(`Waiting for another process that has locked ${file}...`),
    signal,
    ...(lockTimeout !== undefined && { timeout: lockTimeout }),
  };
}

/** Credential helpers are run by the plugin that is built in for them. */
function helperSource(plugins: PluginHost): HelperSource {
  return (helper, name) =>
    plugins.credentialSource({ path: "builtin:docker-credential", settings: { helper }, from: name }, name);
}
