/**
 * Everything that decides where a secret may go stands in this file:
 *
 * - {@link mayCarryCredentials}: who is sent the account's token or password, and whose challenge is answered
 * - {@link follow} and {@link headersFor}: what a redirect takes along
 * - {@link refuseRedirect}: what is never sent on
 * - {@link followUrl}: which addresses of a server's choice are gone to at all, a token service's among them
 *
 * @module
 */
import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { discard } from "./body.ts";
import type { Exchange } from "./exchange.ts";

/** The most redirects that one request follows; as many as Go's and curl's clients do or fewer. */
const MAX_REDIRECTS = 10;

/** Headers that must not leave the origin that they are for, and why. */
const SENSITIVE_HEADERS: Readonly<Record<string, string>> = {
  "authorization": "the account's password or token; a storage host that a registry redirects to must never see it",
  "cookie": "session state that a registry may have set",
  "proxy-authorization": "the proxy's password; it is between this host and the proxy",
};

/** A request that may be sent on. */
export interface Followed {
  method: string;
  url: URL;
  headers: Readonly<Record<string, string>>;
}

/**
 * Whether a request to `url` may carry what was obtained for `registry`, and whether a challenge from there is answered:
 * only at the registry's own origin (scheme, host and port). A registry may keep uploads and pages elsewhere.
 */
export function mayCarryCredentials(url: URL, registry: URL): boolean {
  return url.origin === registry.origin;
}

/** The headers that may be sent to `to` if they were meant for `from`. */
export function headersFor(
  headers: Readonly<Record<string, string>>,
  from: URL,
  to: URL,
): Record<string, string> {
  const entries = Object.entries(headers);
  if (from.origin === to.origin) return Object.fromEntries(entries);
  return Object.fromEntries(entries.filter(([name]) => !Object.hasOwn(SENSITIVE_HEADERS, name.toLowerCase())));
}

/**
 * Sends a request, and sends it on as long as the answers are redirects: with its method and body unchanged, and without
 * the headers that a new origin must not see.
 *
 * @param send sends it once, to this URL with these headers
 * @param accept statuses that the caller deals with, redirects among them
 * @returns the last exchange; the caller disposes of it
 * @throws {SatchelError} `registry` for more than 10 redirects, or one that leads nowhere; `refused` as {@link followUrl}, and where
 *   something that writes is sent to another origin: the user named this registry, and what stands behind other hosts is not
 *   the registry's to change by way of the user
 */
export async function follow(
  { method, url, headers }: Followed,
  send: (url: URL, headers: Readonly<Record<string, string>>) => Promise<Exchange>,
  accept: readonly number[] = [],
): Promise<Exchange> {
  let at = url;
  let carried = headers;
  for (let redirects = 0;; redirects++) {
    const sent = await send(at, carried);
    const { status, headers: answered } = sent.response;
    if (accept.includes(status) || !isRedirect(status, method)) return sent;
    const location = answered.get("location");
    await discard(sent);
    if (location === null) throw new SatchelError("registry", `${at.host} redirects without saying where to`);
    if (redirects === MAX_REDIRECTS) {
      throw new SatchelError(
        "registry",
        `${method} ${url.pathname} at ${url.host}: more than ${MAX_REDIRECTS} redirects, the last at ${at.host}`,
      );
    }
    const next = followUrl(location, at, "a redirect");
    if (!isReading(method) && next.origin !== at.origin) {
      throw new SatchelError("refused", `${at.host} redirects what is written to it to another host, ${next.host}`);
    }
    carried = headersFor(carried, at, next);
    at = next;
  }
}

/**
 * Checks the answer to a request whose body is a secret, which {@link follow} would send on: it goes to whom it was for
 * and nowhere else.
 *
 * @param what what the body carries, for the error text
 * @throws {SatchelError} `refused` for every redirect
 */
export function refuseRedirect({ response, url }: Exchange, what: string): void {
  if (response.status < 300 || response.status >= 400) return;
  throw new SatchelError("refused", `The token service ${url.host} redirects a request that carries ${what}`);
}

/**
 * Reads a URL that a server gave, in `Location`, `Link` or a challenge's realm, relative to what was asked for.
 *
 * @param what where it stands, for the error text
 * @throws {SatchelError} `refused` if it leads from TLS to plain text, to another scheme, or has a password in it;
 *   `registry` if it cannot be read
 */
export function followUrl(text: string, base: URL, what: string): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch (cause) {
    throw new SatchelError("registry", `${base.host} sent ${what} that is not a URL: ${quoted(text)}`, { cause });
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new SatchelError("refused", `${base.host} sent ${what} that is neither https nor http: ${quoted(text)}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new SatchelError("refused", `${base.host} sent ${what} with an account in it, for ${url.host}`);
  }
  if (base.protocol === "https:" && url.protocol === "http:") {
    throw new SatchelError("refused", `${base.host} sent ${what} that leads from https to plain http, to ${url.host}`, {
      hint: url.hostname === base.hostname
        ? `${base.host} seems to stand behind a proxy that does not tell it about TLS (X-Forwarded-Proto).`
        : undefined,
    });
  }
  url.hash = "";
  return url;
}

/** Whether this answer sends a request on, with its method and body unchanged. */
export function isRedirect(status: number, method: string): boolean {
  if (status === 307 || status === 308) return true;
  // 301 to 303 turn a request with a body into a GET, which no registry means.
  return isReading(method) && (status === 301 || status === 302 || status === 303);
}

function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

function quoted(text: string): string {
  return JSON.stringify(printable(text, 100));
}
