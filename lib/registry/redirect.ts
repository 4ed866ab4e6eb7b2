import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";

/** The most redirects that one request follows; as many as Go's and curl's clients do or fewer. */
export const MAX_REDIRECTS = 10;

/**
 * Headers that must not leave the origin that they are for, and why. Everything that decides where a secret may go stands
 * in this file.
 */
export const SENSITIVE_HEADERS: Readonly<Record<string, string>> = {
  "authorization": "the account's password or token; a storage host that a registry redirects to must never see it",
  "cookie": "session state that a registry may have set",
  "proxy-authorization": "the proxy's password; it is between this host and the proxy",
};

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
  return (method === "GET" || method === "HEAD") && (status === 301 || status === 302 || status === 303);
}

function quoted(text: string): string {
  return JSON.stringify(printable(text, 100));
}
