import { statSync } from "node:fs";
import type { Credential, CredentialSource, CredentialSourceOptions, CredentialSubject } from "../credential.ts";
import { hasCode, SatchelError } from "../error.ts";
import type { LockOptions } from "../runtime/mod.ts";
import { helperName, type HelperSource, mayRunHelpers } from "./ask.ts";
import { type AuthFile, helperFor, readAuthFile, registriesWithHelper } from "./auth_file.ts";
import { removeAllEntries, removeEntry, writeEntry } from "./auth_file_edit.ts";

/** Where accounts are kept and forgotten. */
export interface KeepOptions extends LockOptions {
  /** Asked before the file, in this order. */
  plugins: readonly CredentialSource[];
  /** Path of the auth file that is written to. */
  file: string;
  helperSource: HelperSource;
  /** Told of sources that failed though others did what was asked. */
  onWarning: (message: string) => void;
}

/** Where an account went. */
export interface Kept {
  /** For people. */
  where: string;
  /** Whether it lies there as it is. */
  isPlain: boolean;
  /** Whether the auth file was created for it. */
  created: boolean;
}

/**
 * Keeps an account: in the first plugin that takes it, else in the helper that the auth file names for the registry, else in
 * the auth file itself. Helpers know accounts of registries alone, so one of a path goes into the file.
 *
 * @throws {SatchelError} `plugin` if a helper or a plugin fails, and as `writeEntry`
 */
export async function storeAccount(
  subject: CredentialSubject,
  credential: Required<Pick<Credential, "username" | "password">>,
  options: KeepOptions,
): Promise<Kept> {
  const { plugins, file: path, helperSource } = options;
  const calling = callOptions(options);
  for (const plugin of plugins) {
    if (await plugin.store?.(subject, credential, calling)) {
      return { where: plugin.name, isPlain: false, created: false };
    }
  }
  const file = await readIfThere(path);
  const helper = file && subject.repository === undefined ? helperOf(file, subject.registry, helperSource) : undefined;
  if (helper && await helper.store?.(subject, credential, calling)) {
    // What lay in the file would only be in the way, and readable.
    await removeEntry(path, subject, options);
    return { where: helper.name, isPlain: false, created: false };
  }
  const created = statSync(path, { throwIfNoEntry: false }) === undefined;
  await writeEntry(path, subject, credential, options);
  return { where: path, isPlain: true, created };
}

/**
 * Forgets the account of a registry, wherever {@link storeAccount} may have put it.
 *
 * @returns whether there was one
 * @throws {SatchelError} what a source failed with, if none of the others had an account; as `removeEntry`
 */
export async function eraseAccount(subject: CredentialSubject, options: KeepOptions): Promise<boolean> {
  const file = await readIfThere(options.file);
  const ofPath = subject.repository !== undefined;
  const helper = file && !ofPath ? helperOf(file, subject.registry, options.helperSource) : undefined;
  const sources = [...options.plugins, ...helper ? [helper] : []];
  let failure: unknown;
  let erased = await removeEntry(options.file, subject, options);
  for (const source of sources) {
    try {
      erased = await source.erase?.(subject, callOptions(options)) || erased;
    } catch (error) {
      if (!(error instanceof SatchelError) || error.code === "cancelled") throw error;
      failure ??= error;
      options.onWarning(`${source.name}: ${error.message}`);
    }
  }
  if (!erased && failure) throw failure;
  return erased;
}

/**
 * Forgets all accounts of the auth file, of the helpers that it names, and of the plugins that can list theirs.
 *
 * @throws {SatchelError} the first failure, when everything else is done; as `removeAllEntries`
 */
export async function eraseAllAccounts(options: KeepOptions): Promise<void> {
  const file = await readIfThere(options.file);
  await removeAllEntries(options.file, options);
  let failure: unknown;
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof SatchelError) || error.code === "cancelled") throw error;
      failure ??= error;
    }
  };
  const calling = callOptions(options);
  for (const source of options.plugins) await attempt(() => eraseListed(source, calling));
  if (file) {
    for (const registry of registriesWithHelper(file)) {
      await attempt(async () => helperOf(file, registry, options.helperSource)?.erase?.({ registry }, calling));
    }
    await attempt(async () => {
      const helper = helperOf(
        { ...file, helpers: { byRegistry: {}, forAll: file.helpers.forAll } },
        "",
        options.helperSource,
      );
      if (helper) await eraseListed(helper, calling);
    });
  }
  if (failure) throw failure;
}

async function eraseListed(source: CredentialSource, options: CredentialSourceOptions): Promise<void> {
  if (!source.list || !source.erase) return;
  for (const registry of await source.list(options)) await source.erase({ registry }, options);
}

/** The helper that a file names for a registry, if it may be run. */
function helperOf(file: AuthFile, registry: string, helperSource: HelperSource): CredentialSource | undefined {
  const helper = mayRunHelpers(file) ? helperFor(file, registry) : undefined;
  return helper === undefined ? undefined : helperSource(helper, helperName(helper, file.path));
}

async function readIfThere(path: string): Promise<AuthFile | undefined> {
  try {
    return await readAuthFile(path);
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}

function callOptions({ signal }: LockOptions): CredentialSourceOptions {
  return signal ? { signal } : {};
}
