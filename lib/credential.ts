/** What is known about one account on one registry. Never log or print it. */
export interface Credential {
  username?: string;
  password?: string;
  /** An OAuth2 refresh token (`identitytoken` in Docker's file), exchanged at the token service by POST. */
  identityToken?: string;
  /** A bearer token (`registrytoken` in Docker's file), sent as it is. */
  registryToken?: string;
}

/** Finds the account for a repository; `undefined` means: go on without one. */
export type CredentialLookup = (
  repository: { registry: string; repository: string },
) => Promise<Credential | undefined>;
