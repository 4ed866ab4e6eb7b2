import type { Credential, CredentialSubject } from "../../lib/credential.ts";
import {
  checkPlace,
  type Credentials,
  filesWithAccounts,
  type FoundAccount,
  type KeepOptions,
  type Kept,
  readAuthFileIfThere,
  storeAccount,
  subjectName,
} from "../../lib/credentials/mod.ts";
import { hasCode } from "../../lib/error.ts";
import type { PluginHost } from "../../lib/plugin/mod.ts";
import { type AccountVerdict, tryAccount } from "../../lib/registry/mod.ts";
import { isTerminal, write } from "../../lib/terminal/mod.ts";
import { accountsIn, keepOptions, openAccounts } from "../open/accounts.ts";
import { connectionOptions } from "../open/remote.ts";
import { EXIT_OK } from "../output/exit.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { completeAccount, type GivenAccount, givenAccount } from "./answers.ts";
import { explainLogin, userOf } from "./explain.ts";
import { printLogin } from "./get_login.ts";
import { readRegistryName } from "./registry_name.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { openReporter, type Reporter } from "../output/reporter.ts";
import { authFilesForLogin } from "../settings/auth_files.ts";
import { isInsecure, loadSettings, type Settings } from "../settings/settings.ts";

/** What a login needs. */
interface Login {
  subject: CredentialSubject;
  given: GivenAccount;
  accounts: Credentials;
  keep: KeepOptions;
  settings: Settings;
  /** Tries an account on the registry. */
  check: (credential: Credential) => Promise<AccountVerdict>;
  reporter: Reporter;
  signal: AbortSignal;
}

/** `satchel login REGISTRY`: tries an account and keeps it, or tells of the one that is kept. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, signal } = invocation;
  const settings = await loadSettings(invocation);
  const subject = readRegistryName(invocation.arguments[0]);
  const given = givenAccount(flags);
  using reporter = openReporter(settings, signal);
  await using plugins = await openCommandPlugins(settings, invocation, reporter);
  if (isSet(flags, "explain")) {
    return await explainLogin(subject, accountsIn(settings.authFiles, plugins, reporter), invocation, reporter);
  }
  if (isSet(flags, "get-login")) {
    return await printLogin(subject, await openAccounts(settings, plugins, reporter), invocation);
  }
  return await logIn(loginOf(subject, given, settings, plugins, reporter, invocation));
}

function loginOf(
  subject: CredentialSubject,
  given: GivenAccount,
  settings: Settings,
  plugins: PluginHost,
  reporter: Reporter,
  { flags, signal }: Invocation,
): Login {
  const { registry } = subject;
  const plainHttp = isSet(flags, "plain-http") || isInsecure(settings, subject);
  const options = { ...connectionOptions(registry, { settings, reporter }), plainHttp };
  return {
    subject,
    given,
    accounts: accountsIn(authFilesForLogin(settings.authFiles), plugins, reporter),
    keep: keepOptions(settings, plugins, reporter, signal),
    settings,
    check: (credential) => tryAccount(registry, credential, options, signal),
    reporter,
    signal,
  };
}

async function logIn(login: Login): Promise<number> {
  const { subject, given, accounts, keep, settings, reporter, signal } = login;
  // A file that cannot be written or read is told of before anybody is asked for anything.
  checkPlace(keep.file);
  await readAuthFileIfThere(keep.file);
  if (given.password !== undefined) {
    reporter.warn("Other users of this host can see a password on the command line; --password-stdin hides it");
  }
  const isBare = given.username === undefined && given.password === undefined && !given.passwordStdin;
  const known = isBare ? await accounts.find(subject, { signal }) : undefined;
  if (known && await isStillGood(known, login)) {
    say(settings, `Already logged in to ${subjectName(subject)} as ${userOf(known.credential.username)}`);
    return EXIT_OK;
  }
  const credential = await completeAccount(given, known?.credential.username, signal);
  const verdict = await login.check(credential);
  if (verdict === "not asked") {
    reporter.warn(`${subject.registry} asked for no account, so it is not known whether this one is good`);
  }
  const used = await filesWithAccounts(authFilesForLogin(settings.authFiles));
  const kept = await storeAccount(subject, credential, keep);
  say(settings, "Login Succeeded!");
  if (settings.verbose) say(settings, `The credentials are kept in ${kept.where}`);
  warnOfPlace(kept, used, login);
  return EXIT_OK;
}

/** Prints what came of it, on stdout, as the manual page has it. */
function say({ quiet }: Settings, text: string): void {
  if (!quiet) write("stdout", `${text}\n`);
}

/** @throws {SatchelError} `denied` if it is refused and there is nobody to ask for another one */
async function isStillGood({ source, credential }: FoundAccount, { check, reporter }: Login): Promise<boolean> {
  try {
    await check(credential);
    return true;
  } catch (error) {
    if (!hasCode(error, "denied") || !isTerminal("stdin")) throw error;
    reporter.warn(`The account from ${source} is refused: ${error.message}`);
    return false;
  }
}

/** @param used the files with accounts that counted until now */
function warnOfPlace({ where, isPlain, created }: Kept, used: readonly string[], { reporter, keep }: Login): void {
  if (isPlain) reporter.warn(`Your credentials are stored unencrypted in ${where}`);
  if (!created || used.length === 0) return;
  reporter.warn(
    `From now on ${keep.file} alone counts, and accounts in ${
      used.join(", ")
    } are not looked at any more: log in to those ` +
      `registries again, or name that file with --authfile`,
  );
}
