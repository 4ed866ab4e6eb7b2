import { existsSync } from "node:fs";
import type { Credential, CredentialSubject } from "../../lib/credential.ts";
import {
  type AuthFiles,
  type Credentials,
  type FoundAccount,
  type KeepOptions,
  type Kept,
  storeAccount,
  subjectName,
} from "../../lib/credentials/mod.ts";
import { hasCode, SatchelError } from "../../lib/error.ts";
import type { PluginHost } from "../../lib/plugin/mod.ts";
import { type AccountVerdict, tryAccount } from "../../lib/registry/mod.ts";
import { isTerminal, write } from "../../lib/terminal/mod.ts";
import { keepOptions, openKnownAccounts } from "../open/accounts.ts";
import { VERSION } from "../build_info.ts";
import { tlsFor } from "../open/certificates.ts";
import { EXIT_OK } from "../output/exit.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { completeAccount, type GivenAccount, givenAccount } from "./answers.ts";
import { explainLogin, userOf } from "./explain.ts";
import { readRegistryName } from "./registry_name.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { openReporter, type Reporter } from "../output/reporter.ts";
import { isInsecure, loadSettings, type Settings } from "../settings/settings.ts";

/** What a login needs. */
interface Login {
  subject: CredentialSubject;
  given: GivenAccount;
  accounts: Credentials;
  keep: KeepOptions;
  authFiles: AuthFiles;
  /** Tries an account on the registry. */
  check: (credential: Credential) => Promise<AccountVerdict>;
  isVerbose: boolean;
  reporter: Reporter;
  signal: AbortSignal;
}

/** `satchel login REGISTRY`: tries an account and keeps it. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, signal } = invocation;
  const settings = await loadSettings(invocation);
  const subject = readRegistryName(invocation.arguments[0]);
  const given = givenAccount(flags);
  using reporter = openReporter(settings, signal);
  await using plugins = await openCommandPlugins(settings, invocation, reporter);
  const asksOnly = isSet(flags, "get-login") || isSet(flags, "explain");
  const accounts = await openKnownAccounts(settings, plugins, reporter, { mayBeMissing: !asksOnly });
  if (isSet(flags, "explain")) return await explainLogin(subject, accounts, invocation, reporter);
  if (isSet(flags, "get-login")) return await printLogin(subject, accounts, signal);
  return await logIn(loginOf(subject, given, accounts, settings, plugins, reporter, invocation));
}

function loginOf(
  subject: CredentialSubject,
  given: GivenAccount,
  accounts: Credentials,
  settings: Settings,
  plugins: PluginHost,
  reporter: Reporter,
  { flags, signal }: Invocation,
): Login {
  const { registry } = subject;
  const tls = tlsFor(settings, registry, reporter.warn);
  const plainHttp = isSet(flags, "plain-http") || isInsecure(settings, subject);
  return {
    subject,
    given,
    accounts,
    keep: keepOptions(settings, plugins, reporter, signal),
    authFiles: settings.authFiles,
    check: (credential) =>
      tryAccount(registry, credential, {
        plainHttp,
        tls,
        userAgent: `satchel/${VERSION}`,
        proxied: settings.proxied,
        onRetry: reporter.detail,
        onWarning: reporter.warn,
        ...(reporter.debug && { log: reporter.debug }),
      }, signal),
    isVerbose: settings.verbose,
    reporter,
    signal,
  };
}

async function printLogin(subject: CredentialSubject, accounts: Credentials, signal: AbortSignal): Promise<number> {
  const found = await accounts.find(subject, { signal });
  if (!found) throw new SatchelError("no-account", `not logged into ${subjectName(subject)}`);
  write("stdout", `${userOf(found.credential.username)}\n`);
  return EXIT_OK;
}

async function logIn(login: Login): Promise<number> {
  const { subject, given, accounts, reporter, signal } = login;
  if (given.password !== undefined) {
    reporter.warn("Other users of this host can see a password on the command line; --password-stdin hides it");
  }
  const isBare = given.username === undefined && given.password === undefined && !given.passwordStdin;
  const known = isBare ? await accounts.find(subject, { signal }) : undefined;
  if (known && await isStillGood(known, login)) {
    write("stdout", `Already logged in to ${subjectName(subject)} as ${userOf(known.credential.username)}\n`);
    return EXIT_OK;
  }
  const credential = await completeAccount(given, known?.credential.username, signal);
  const verdict = await login.check(credential);
  if (verdict === "not asked") {
    reporter.warn(`${subject.registry} asked for no account, so it is not known whether this one is good`);
  }
  const used = fileInUse(login.authFiles);
  const kept = await storeAccount(subject, credential, login.keep);
  write("stdout", "Login Succeeded!\n");
  if (login.isVerbose) write("stdout", `The credentials are kept in ${kept.where}\n`);
  warnOfPlace(kept, used, login);
  return EXIT_OK;
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

/** The file that accounts come from as long as the one that is written does not exist. */
function fileInUse({ named, own, fallbacks }: AuthFiles): string | undefined {
  if (named !== undefined) return undefined;
  return [...own, ...fallbacks.map(({ path }) => path)].find((path) => existsSync(path));
}

function warnOfPlace({ where, isPlain, created }: Kept, used: string | undefined, { reporter, keep }: Login): void {
  if (isPlain) reporter.warn(`Your credentials are stored unencrypted in ${where}`);
  if (!created || used === undefined) return;
  reporter.warn(
    `From now on ${keep.file} alone counts, and accounts in ${used} are not looked at any more: log in to those registries ` +
      `again, or name that file with --authfile`,
  );
}
