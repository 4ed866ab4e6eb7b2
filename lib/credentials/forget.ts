import type { CredentialSource, CredentialSubject } from "../credential.ts";
import { SatchelError } from "../error.ts";
import { type AuthFile, readAuthFileIfThere, registriesWithHelper } from "./auth_file.ts";
import { removeAllEntries, removeEntry } from "./auth_file_edit.ts";
import { defaultHelperOf, helperOf } from "./helpers.ts";
import { callOptions, type KeepOptions } from "./keep.ts";

/**
 * Forgets the account of a registry, wherever `storeAccount` may have put it.
 *
 * @returns whether there was one
 * @throws {SatchelError} what a source failed with, if none of the others had an account; as `removeEntry`
 */
export async function eraseAccount(subject: CredentialSubject, options: KeepOptions): Promise<boolean> {
  const file = await readAuthFileIfThere(options.file);
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
      options.onWarning(error.message.startsWith(source.name) ? error.message : `${source.name}: ${error.message}`);
    }
  }
  if (!erased && failure) throw failure;
  return erased;
}

/**
 * Forgets all accounts of the auth file, of the helpers that it names, and of the plugins that can list theirs.
 *
 * @returns whether there were any
 * @throws {SatchelError} the first failure, when everything else is done; as `removeAllEntries`
 */
export async function eraseAllAccounts(options: KeepOptions): Promise<boolean> {
  const file = await readAuthFileIfThere(options.file);
  let erased = await removeAllEntries(options.file, options);
  let failure: unknown;
  for (
    const work of [...options.plugins.map((plugin) => () => eraseListed(plugin, options)), ...ofHelpers(file, options)]
  ) {
    try {
      erased = await work() || erased;
    } catch (error) {
      if (!(error instanceof SatchelError) || error.code === "cancelled") throw error;
      failure ??= error;
    }
  }
  if (failure) throw failure;
  return erased;
}

function ofHelpers(file: AuthFile | undefined, options: KeepOptions): (() => Promise<boolean>)[] {
  if (!file) return [];
  const { helperSource } = options;
  const ofOne = registriesWithHelper(file).map((registry) => async () =>
    await helperOf(file, registry, helperSource)?.erase?.({ registry }, callOptions(options)) ?? false
  );
  return [...ofOne, async () => {
    const helper = defaultHelperOf(file, helperSource);
    return helper ? await eraseListed(helper, options) : false;
  }];
}

async function eraseListed(source: CredentialSource, options: KeepOptions): Promise<boolean> {
  if (!source.list || !source.erase) return false;
  let erased = false;
  for (const registry of await source.list(callOptions(options))) {
    erased = await source.erase({ registry }, callOptions(options)) || erased;
  }
  return erased;
}
