import { ApiError } from "./api_error.ts";

/** An address or a name of this host itself, as URLs have them. */
const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\])$/;

/** How a name or an address is written, with its port. */
const HOST = /^[\w.:[\]-]*$/;

/**
 * Lets a request to a server on loopback in only if it names loopback. A page of the web cannot be kept from sending requests to this
 * host, and could read the answers if its own name led here: browsers go by the name (DNS rebinding).
 *
 * @param host what the request has as `Host`; a runtime may take one that it cannot read for localhost, and browsers ask by names that
 *   it cannot read, as `a{b.example`
 * @param url of the request
 * @param names others by which it may be asked, without ports, in small letters: those of a proxy
 * @throws {ApiError} `DENIED` (421, RFC 9110, 15.5.20)
 */
export function requireAskedHost(host: string | null, { hostname }: URL, names: readonly string[]): void {
  const name = hostname.replace(/\.$/, "");
  if (HOST.test(host ?? "") && (LOOPBACK.test(name) || names.includes(name))) return;
  throw new ApiError("DENIED", "this registry is not to be asked by this name", { status: 421 });
}
