import type { CredentialSubject } from "../../lib/credential.ts";
import {
  type Credentials,
  eraseAccount,
  eraseAllAccounts,
  filesWithAccounts,
  type FoundAccount,
  type KeepOptions,
  subjectName,
} from "../../lib/credentials/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { write } from "../../lib/terminal/mod.ts";
import { keepOptions, openAccounts } from "../open/accounts.ts";
import { EXIT_OK } from "../output/exit.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { readRegistryName } from "./registry_name.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings, type Settings } from "../settings/settings.ts";

/** `satchel logout REGISTRY`: forgets an account, or with `--all` those of the auth file. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const subject = subjectOf(invocation);
  using reporter = openReporter(settings, invocation.signal);
  await using plugins = await openCommandPlugins(settings, invocation, reporter);
  const accounts = await openAccounts(settings, plugins, reporter);
  const keep = keepOptions(settings, plugins, reporter, invocation.signal);
  if (!subject) {
    await logOutOfAll(settings, keep);
    return EXIT_OK;
  }
  const erased = await eraseAccount(subject, keep);
  if (!erased) throw await notErased(subject, accounts, invocation.signal);
  say(settings, `Removed login credentials for ${subjectName(subject)}`);
  return EXIT_OK;
}

/** @throws {SatchelError} `no-account` if there are accounts left in the files of other programs */
async function logOutOfAll(settings: Settings, keep: KeepOptions): Promise<void> {
  const erased = await eraseAllAccounts(keep);
  const left = (await filesWithAccounts(settings.authFiles)).filter((path) => path !== keep.file);
  if (erased) say(settings, "Removed login credentials for all registries");
  else if (left.length === 0) say(settings, "There were no login credentials to remove");
  if (left.length === 0) return;
  throw new SatchelError("no-account", `the credentials in ${left.join(", ")} stay there`, {
    hint:
      "Remove them with the program that wrote them (docker logout, podman logout --all), or name that file with --authfile.",
  });
}

function say({ quiet }: Settings, text: string): void {
  if (!quiet) write("stdout", `${text}\n`);
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
