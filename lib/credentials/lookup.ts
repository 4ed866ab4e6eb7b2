import type { CredentialLookup } from "../credential.ts";
import { hasCode, SatchelError } from "../error.ts";
import { type AuthFile, findCredential, helperFor, readAuthFile } from "./auth_file.ts";

/** Where {@link openCredentials} looks. */
export interface CredentialOptions {
  /** A file that the user named: it must exist and be valid, and no other file is looked at. */
  authFile?: string;
  /** Files to try in this order when none was named; the first that exists and may be read is the only one that counts. */
  defaultAuthFiles?: readonly string[];
  /** Told once of a credential helper that would have been asked; none are asked. */
  onWarning?: (message: string) => void;
}

/**
 * Accounts out of auth files. A named file is read at once, so that a mistake is told even where no account is needed;
 * the default files only when the first account is asked for.
 *
 * @throws {SatchelError} `usage` if a named file is missing or may not be read, `invalid` if it is broken; the look-up
 * throws `invalid` for a broken default file or entry
 */
export async function openCredentials(options: CredentialOptions): Promise<CredentialLookup> {
  let file = options.authFile === undefined ? undefined : Promise.resolve(await readNamedFile(options.authFile));
  let isWarned = false;
  return async (repository) => {
    file ??= readFirstFile(options.defaultAuthFiles ?? []);
    const opened = await file;
    if (!opened) return undefined;
    const found = findCredential(opened, repository);
    const helper = found || isWarned ? undefined : helperFor(opened, repository.registry);
    if (helper !== undefined) {
      isWarned = true;
      options.onWarning?.(
        `${opened.path} leaves accounts to the credential helper ${JSON.stringify(helper)}, which is not asked`,
      );
    }
    return found;
  };
}

async function readNamedFile(path: string): Promise<AuthFile | undefined> {
  try {
    return await readAuthFile(path);
  } catch (error) {
    if (!hasCode(error, "not-found") && !hasCode(error, "denied")) throw error;
    throw new SatchelError("usage", error.message, { cause: error });
  }
}

async function readFirstFile(paths: readonly string[]): Promise<AuthFile | undefined> {
  for (const path of paths) {
    try {
      return await readAuthFile(path);
    } catch (error) {
      // Root's file is not for others, and no reason for them to fail.
      if (!hasCode(error, "not-found") && !hasCode(error, "denied")) throw error;
    }
  }
  return undefined;
}
