// Not by mod.ts: what writes auth files would be loaded for every pull.
import { type AuthFiles, checkNamedFile } from "../../lib/credentials/auth_files.ts";
import type { HelperSource } from "../../lib/credentials/helpers.ts";
import type { KeepOptions } from "../../lib/credentials/keep.ts";
import { type Credentials, openCredentials } from "../../lib/credentials/lookup.ts";
import type { PluginHost } from "../../lib/plugin/mod.ts";
import { fileForWriting } from "../settings/auth_files.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";

/**
 * Opens everything that knows accounts, in the order in which it is asked.
 *
 * @throws {SatchelError} `usage` if an auth file that was named is missing, `invalid` if it is broken
 */
export async function openAccounts(
  { authFiles }: Settings,
  plugins: PluginHost,
  reporter: Reporter,
): Promise<Credentials> {
  await checkNamedFile(authFiles);
  return accountsIn(authFiles, plugins, reporter);
}

/** As {@link openAccounts}, with files that are not looked at before an account is asked for. */
export function accountsIn(files: AuthFiles, plugins: PluginHost, reporter: Reporter): Credentials {
  return openCredentials({
    plugins: plugins.credentialSources(),
    files,
    helperSource: helperSource(plugins),
    onWarning: reporter.warn,
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
