import { statSync } from "node:fs";
import {
  type Credential,
  type CredentialSource,
  type CredentialSourceOptions,
  type CredentialSubject,
  withoutSecrets,
} from "../credential.ts";
import { SatchelError } from "../error.ts";
import type { LockOptions } from "../runtime/mod.ts";
import { readAuthFileIfThere } from "./auth_file.ts";
import { removeEntry, writeEntry } from "./auth_file_edit.ts";
import { helperOf, type HelperSource } from "./helpers.ts";

/** Where accounts are kept, and forgotten again. */
export interface KeepOptions extends LockOptions {
  /** Asked before the file, in this order. */
  plugins: readonly CredentialSource[];
  /** Path of the auth file that is written to. */
  file: string;
  helperSource: HelperSource;
  /** Told of sources that failed though others did what was asked. */
  onWarning: (message: string) => void;
}

/** Who may take an account. */
interface Keeper {
  source: CredentialSource;
  /** How to do without it. */
  wayAround?: string;
}

/** What to do about a plugin that fails. */
const NO_PLUGINS = "--no-plugins logs in without plugins.";

/** An account that can be kept. */
export type KeptCredential = Required<Pick<Credential, "username" | "password">>;

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
 * the auth file itself. Helpers know accounts of registries alone, so one of a path goes into the file. What lay in the file while
 * somebody else takes it is removed: it would be in the way, and readable.
 *
 * @throws {SatchelError} `plugin` if a helper or a plugin fails, before anything is kept elsewhere, and as `writeEntry`
 */
export async function storeAccount(
  subject: CredentialSubject,
  credential: KeptCredential,
  options: KeepOptions,
): Promise<Kept> {
  const { plugins, file: path, helperSource } = options;
  const file = await readAuthFileIfThere(path);
  const helper = file && subject.repository === undefined ? helperOf(file, subject.registry, helperSource) : undefined;
  const keepers: Keeper[] = [
    ...plugins.map((source) => ({ source, wayAround: NO_PLUGINS })),
    ...helper ? [{ source: helper }] : [],
  ];
  for (const keeper of keepers) {
    if (!await offer(keeper, subject, credential, callOptions(options))) continue;
    await removeEntry(path, subject, options);
    return { where: keeper.source.name, isPlain: false, created: false };
  }
  const created = statSync(path, { throwIfNoEntry: false }) === undefined;
  await writeEntry(path, subject, credential, options);
  return { where: path, isPlain: true, created };
}

/** The options of a call of a source. */
export function callOptions({ signal }: LockOptions): CredentialSourceOptions {
  return signal ? { signal } : {};
}

async function offer(
  { source, wayAround }: Keeper,
  subject: CredentialSubject,
  credential: KeptCredential,
  options: CredentialSourceOptions,
): Promise<boolean> {
  try {
    return await source.store?.(subject, credential, options) ?? false;
  } catch (error) {
    if (!(error instanceof SatchelError) || error.code === "cancelled") throw error;
    const hint = [error.hint, wayAround].filter((each) => each !== undefined).join(" ");
    // The cause stays behind: it may have the secret, too.
    throw new SatchelError(error.code, `The account is not kept: ${withoutSecrets(error.message, credential)}`, {
      ...(hint !== "" && { hint: withoutSecrets(hint, credential) }),
    });
  }
}
