/** What is known about one account on one registry. Never log or print it. */
export interface Credential {
  username?: string;
  password?: string;
  /** An OAuth2 refresh token (`identitytoken` in Docker's file), exchanged at the token service by POST. */
  identityToken?: string;
  /** A bearer token (`registrytoken` in Docker's file), sent as it is. */
  registryToken?: string;
}

/** What an account is for: a registry (`host[:port]`), or one repository of it. */
export interface CredentialSubject {
  registry: string;
  repository?: string;
}

/** Options of what a {@link CredentialSource} does. */
export interface CredentialSourceOptions {
  /** Ends the operation with a `cancelled` error. */
  signal?: AbortSignal;
}

/** Finds the account for a repository; `undefined` means: go on without one. */
export type CredentialLookup = (
  repository: { registry: string; repository: string },
  options?: CredentialSourceOptions,
) => Promise<Credential | undefined>;

/** One place where accounts are kept: an auth file, a credential helper, a plugin. */
export interface CredentialSource {
  /** For people: `/root/.docker/config.json`, `docker-credential-pass (named in /root/.docker/config.json)`. */
  readonly name: string;

  /**
   * The account, or `undefined` if this source knows of none.
   *
   * @throws {SatchelError} if the source is broken; it does not mean that there is no account
   */
  get(subject: CredentialSubject, options?: CredentialSourceOptions): Promise<Credential | undefined>;

  /** Keeps an account; returns whether it did. Absent where nothing can be kept. */
  store?(subject: CredentialSubject, credential: Credential, options?: CredentialSourceOptions): Promise<boolean>;

  /** Forgets an account; returns whether there was one. Absent where nothing is forgotten on behalf of satchel. */
  erase?(subject: CredentialSubject, options?: CredentialSourceOptions): Promise<boolean>;

  /** Names the registries whose accounts are kept here. Absent where that cannot be told. */
  list?(options?: CredentialSourceOptions): Promise<readonly string[]>;
}

/** What is shorter is guessed anyway, and to take it out of a text would tear words apart. */
const MIN_SECRET = 4;

/**
 * A text without the secrets of an account, also as HTTP Basic sends and JSON writes them: what a registry or a program says of an account may
 * repeat it.
 */
export function withoutSecrets(text: string, credential: Credential): string {
  const { username, password, identityToken, registryToken } = credential;
  const basic = username !== undefined && password !== undefined ? basicCredentials(username, password) : undefined;
  const unpadded = basic?.replace(/=+$/, "");
  const inAddress = unpadded?.replaceAll("+", "-").replaceAll("/", "_");
  const secrets = [basic, unpadded, inAddress, password, identityToken, registryToken].flatMap((secret) =>
    secret && secret.length >= MIN_SECRET ? [secret, JSON.stringify(secret).slice(1, -1)] : []
  );
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
}

/** A name and a password as HTTP Basic sends them: base64 of `name:password` in UTF-8 (RFC 7617). */
export function basicCredentials(username: string, password: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(`${username}:${password}`)));
}
