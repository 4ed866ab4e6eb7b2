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
  /** For people: `/home/joe/.docker/config.json`, `docker-credential-pass (named in /home/joe/.docker/config.json)`. */
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
 * A text without the secrets of an account, in all forms in which HTTP, JSON, HTML and addresses write them: what a registry or a
 * program says of an account may repeat it.
 */
export function withoutSecrets(text: string, credential: Credential): string {
  const forms = [...new Set(secretsOf(credential).flatMap(formsOf))].filter((form) => form.length >= MIN_SECRET);
  if (forms.length === 0) return text;
  // The longest first, since one may be a part of another. In whatever case: headers and escapes change it.
  const patterns = forms.sort((a, b) => b.length - a.length).map((form) => form.replace(/[^\w\s]/g, "\\$&"));
  return text.replace(new RegExp(patterns.join("|"), "gi"), "***");
}

function secretsOf({ username, password, identityToken, registryToken }: Credential): string[] {
  const basic = username !== undefined && password !== undefined ? [basicCredentials(username, password)] : [];
  return [...basic, password, identityToken, registryToken].flatMap((secret) => secret ? [secret] : []);
}

function formsOf(secret: string): string[] {
  const base64 = [secret, base64Of(secret)].map((text) => text.replace(/=+$/, ""));
  return [
    secret,
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    jsonForm(secret, /[\u0080-\uffff]/g),
    jsonForm(secret, /[<>&\u0080-\uffff]/g),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    new URLSearchParams({ "": secret }).toString().slice(1),
    secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
    secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&#34;"),
  ];
}

/** JSON as writers have it that escape more than they must. */
function jsonForm(secret: string, escaped: RegExp): string {
  const escape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(secret).slice(1, -1).replace(escaped, escape);
}

/** A name and a password as HTTP Basic sends them: base64 of `name:password` in UTF-8 (RFC 7617). */
export function basicCredentials(username: string, password: string): string {
  return base64Of(`${username}:${password}`);
}

function base64Of(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
