import type { CredentialSource } from "../credential.ts";
import { type AuthFile, defaultHelper, helperFor } from "./auth_file.ts";

/** Makes the source that a credential helper is. */
export type HelperSource = (helper: string, name: string) => CredentialSource;

/** What a source that a file names is called. */
export function helperName(helper: string, path: string): string {
  return `docker-credential-${helper} (named in ${path})`;
}

/**
 * The helper that a file names for a registry, if it may be run.
 *
 * @throws {SatchelError} `invalid` if what it names is no helper
 */
export function helperOf(file: AuthFile, registry: string, helperSource: HelperSource): CredentialSource | undefined {
  return sourceOf(file, helperFor(file, registry), helperSource);
}

/** As {@link helperOf}, for the registries that have no helper of their own. */
export function defaultHelperOf(file: AuthFile, helperSource: HelperSource): CredentialSource | undefined {
  return sourceOf(file, defaultHelper(file), helperSource);
}

function sourceOf(
  file: AuthFile,
  helper: string | undefined,
  helperSource: HelperSource,
): CredentialSource | undefined {
  if (helper === undefined || file.helperDistrust !== undefined) return undefined;
  return helperSource(helper, helperName(helper, file.path));
}
