import type { CredentialSubject } from "../../lib/credential.ts";
import {
  type Credentials,
  eraseAccount,
  eraseAllAccounts,
  type FoundAccount,
  subjectName,
} from "../../lib/credentials/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { write } from "../../lib/terminal/mod.ts";
import { keepOptions, openKnownAccounts } from "../open/accounts.ts";
import { EXIT_OK } from "../output/exit.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { readRegistryName } from "./registry_name.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";

/** `satchel logout REGISTRY`: forgets an account, or with `--all` those of the auth file. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const subject = subjectOf(invocation);
  using reporter = openReporter(settings, invocation.signal);
  await using plugins = await openCommandPlugins(settings, invocation, reporter);
  const accounts = await openKnownAccounts(settings, plugins, reporter);
  const keep = keepOptions(settings, plugins, reporter, invocation.signal);
  if (!subject) {
    await eraseAllAccounts(keep);
    write("stdout", "Removed login credentials for all registries\n");
    return EXIT_OK;
  }
  const erased = await eraseAccount(subject, keep);
  if (!erased) throw await notErased(subject, accounts, invocation.signal);
  write("stdout", `Removed login credentials for ${subjectName(subject)}\n`);
  return EXIT_OK;
}

/** What to log out of; `undefined` is everything. */
function subjectOf({ arguments: [name], flags }: Invocation): CredentialSubject | undefined {
  const all = isSet(flags, "all");
  if (all && name !== undefined) throw new SatchelError("usage", "--all and a registry do not go together");
  if (!all && name === undefined) throw new SatchelError("usage", "a registry is needed, or --all");
  return name === undefined ? undefined : readRegistryName(name);
}

/** Why nothing was removed: there is no account, or it is in a place that is somebody else's to clean. */
async function notErased(
  subject: CredentialSubject,
  accounts: Credentials,
  signal: AbortSignal,
): Promise<SatchelError> {
  const found = await accounts.find(subject, { signal });
  const name = subjectName(subject);
  if (!found) return new SatchelError("no-account", `not logged into ${name}`);
  return new SatchelError("no-account", `the credentials for ${name} come from ${found.source} and stay there`, {
    hint: hintFor(found, name),
  });
}

function hintFor({ path }: FoundAccount, name: string): string {
  if (path === undefined) return "That plugin does not forget accounts for satchel.";
  return `Remove them with the program that wrote them (docker logout ${name}, podman logout ${name}), or with --authfile ${path}.`;
}
