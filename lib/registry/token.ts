import { SatchelError } from "../error.ts";
import { basicCredentials, type Credential, withoutSecrets } from "../credential.ts";
import { isJsonObject, parseJson } from "../oci/mod.ts";
import { discard } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { loggedExchange, type LoggedOptions } from "./log.ts";
import { follow, refuseRedirect } from "./redirect.ts";
import { registryError } from "./registry_error.ts";
import { retrying, type RetryPolicy } from "./retry.ts";
import { formatScope, type Scope } from "./scope.ts";

/** What a Bearer challenge says about its token service. */
export interface TokenService {
  realm: URL;
  service?: string;
}

/** A token and when it should not be used any more, by `performance.now()`. */
export interface Token {
  value: string;
  scopes: readonly Scope[];
  expires: number;
}

/** What a token request needs. */
export interface TokenOptions extends Omit<LoggedOptions, "signal"> {
  policy: RetryPolicy;
  userAgent: string;
}

/** Longer answers are not those of a token service, in bytes. */
const MAX_ANSWER = 1024 * 1024;

/** What an answer without `expires_in` is good for, in seconds (distribution's token specification). */
const DEFAULT_LIFETIME = 60;

/** How long before its end a token is given up, in milliseconds; never more than a tenth of its life. */
const EXPIRY_MARGIN = 30_000;

/** Bearer tokens are printable ASCII without spaces (RFC 6750); anything else could break a header. */
const TOKEN_GRAMMAR = /^[\x21-\x7e]{1,65536}$/;

/** Whether a header can carry this token. A runtime would put what it cannot into the text of its error. */
export function isToken(text: string): boolean {
  return TOKEN_GRAMMAR.test(text);
}

/**
 * Asks a token service for a token: with a refresh token by POST (OAuth2, as Docker's token specification extends it), else
 * with the account's name and password, else anonymously, by GET.
 *
 * @throws {SatchelError} `denied`, `registry`, `network`, `refused`, `cancelled`
 */
export async function requestToken(
  service: TokenService,
  scopes: readonly Scope[],
  credential: Credential | undefined,
  options: TokenOptions,
  signal: AbortSignal,
): Promise<Token> {
  return await retrying(options.policy, signal, async () => {
    if (credential?.identityToken === undefined) {
      return await requestByGet(service, scopes, credential, options, signal);
    }
    const token = await requestByPost(service, scopes, credential.identityToken, options, signal);
    if (token) return token;
    if (credential.password === undefined) {
      throw new SatchelError("denied", `The token service ${service.realm.host} does not take refresh tokens`, {
        hint: "Put the account's name and password into the auth file.",
      });
    }
    return await requestByGet(service, scopes, credential, options, signal);
  });
}

async function requestByGet(
  { realm, service }: TokenService,
  scopes: readonly Scope[],
  credential: Credential | undefined,
  options: TokenOptions,
  signal: AbortSignal,
): Promise<Token> {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", formatScope(scope));
  const headers: Record<string, string> = { "accept": "application/json", "user-agent": options.userAgent };
  if (credential?.username !== undefined && credential.password !== undefined) {
    headers.authorization = basicAuthorization(credential.username, credential.password);
  }
  const method = "GET";
  using sent = await follow(
    { method, url, headers },
    (at, carried) => loggedExchange(at, { method, headers: carried }, { ...options, signal }),
  );
  return await readToken(sent, scopes, credential);
}

/** `undefined` if the service has no such endpoint. */
async function requestByPost(
  { realm, service }: TokenService,
  scopes: readonly Scope[],
  refreshToken: string,
  options: TokenOptions,
  signal: AbortSignal,
): Promise<Token | undefined> {
  const form = new URLSearchParams({ grant_type: "refresh_token", client_id: "satchel", refresh_token: refreshToken });
  if (service !== undefined) form.set("service", service);
  if (scopes.length > 0) form.set("scope", scopes.map(formatScope).join(" "));
  const headers = {
    "accept": "application/json",
    "content-type": "application/x-www-form-urlencoded",
    "user-agent": options.userAgent,
  };
  const body = new TextEncoder().encode(form.toString());
  using sent = await loggedExchange(realm, { method: "POST", headers, body }, { ...options, signal });
  const { status } = sent.response;
  if (status === 404 || status === 405) {
    await discard(sent);
    return undefined;
  }
  refuseRedirect(sent, "a refresh token");
  return await readToken(sent, scopes, { identityToken: refreshToken });
}

/** @param sentWith the account that the request had */
async function readToken(
  sent: Exchange,
  scopes: readonly Scope[],
  sentWith: Credential | undefined,
): Promise<Token> {
  const received = performance.now();
  if (sent.response.status !== 200) throw await registryError(sent, (text) => withoutSecrets(text, sentWith ?? {}));
  const what = `The answer of the token service ${sent.url.host}`;
  const body = await sent.read(MAX_ANSWER);
  if (!body) throw new SatchelError("registry", `${what} is longer than ${MAX_ANSWER} bytes`);
  const json = parseJson(body, what);
  if (!isJsonObject(json)) throw new SatchelError("registry", `${what} is not a JSON object`);
  const value = [json.token, json.access_token].find((text) => typeof text === "string" && text !== "");
  if (typeof value !== "string") throw new SatchelError("registry", `${what} has no token`);
  if (!isToken(value)) throw new SatchelError("registry", `${what} has a token that no header can carry`);
  const lifetime = typeof json.expires_in === "number" && json.expires_in > 0 ? json.expires_in : DEFAULT_LIFETIME;
  const left = lifetime * 1000 - ageOf(json.issued_at, sent.response.headers.get("date"));
  return { value, scopes, expires: received + left - Math.min(EXPIRY_MARGIN, lifetime * 100) };
}

/**
 * How old a token is, in milliseconds: a service may hand out one that it made before. Both times are the service's own, so
 * that this host's clock does not matter.
 */
function ageOf(issuedAt: unknown, date: string | null): number {
  if (typeof issuedAt !== "string" || date === null) return 0;
  const age = Date.parse(date) - Date.parse(issuedAt);
  return Number.isFinite(age) && age > 0 ? age : 0;
}

/** The value of `Authorization` for a name and a password (RFC 7617). */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${basicCredentials(username, password)}`;
}
