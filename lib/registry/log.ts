import { type Exchange, exchange, type ExchangeOptions } from "./exchange.ts";
import type { HttpInit } from "../runtime/mod.ts";
import { printable } from "../printable.ts";
import { hasSecret, shownPath } from "./address.ts";

/** What a logged exchange needs besides the request. */
export interface LoggedOptions extends ExchangeOptions {
  /** Gets a line for each request, without secrets. */
  log?: (line: string) => void;
  /** The registry's base URL: only there a query has a meaning that is known. */
  registry: URL;
}

/** How much of each part of a line is shown, in UTF-16 units. */
const MAX_SHOWN = 1000;

/** Parameters of the distribution API that are no secrets. Upload locations have others that are. */
const PUBLIC_PARAMETERS: readonly string[] = ["digest", "mount", "from", "n", "last", "artifactType", "ns"];

/** As {@link exchange}, with a line for the log: method, address, status and how long the head took, in milliseconds. */
export async function loggedExchange(url: URL, init: HttpInit, options: LoggedOptions): Promise<Exchange> {
  const started = performance.now();
  const line = `${init.method} ${loggable(url, options.registry, options.clean)}`;
  try {
    const sent = await exchange(url, init, options);
    options.log?.(`${line} ${sent.response.status} ${Math.round(performance.now() - started)} ms`);
    return sent;
  } catch (error) {
    options.log?.(`${line} failed: ${printable(options.clean((error as Error).message), MAX_SHOWN)}`);
    throw error;
  }
}

/**
 * A URL without secrets, in one line. What a query has is shown as it is on the wire: decoded, it could hold a line feed. On
 * another host than the registry's even a name, or a value of a name that is known here, may be a secret.
 *
 * @param clean takes out what was sent
 */
export function loggable(url: URL, registry: URL, clean: (text: string) => string): string {
  const origin = url.origin === registry.origin ? url.origin : clean(url.origin);
  const address = `${origin}${shownPath(url, clean, MAX_SHOWN)}`;
  if (url.search === "") return address;
  if (url.origin !== registry.origin || hasSecret(url, clean)) return `${address}?...`;
  const parameters = url.search.slice(1).split("&");
  const shown = parameters.filter((parameter) => PUBLIC_PARAMETERS.includes(parameter.split("=", 1)[0]));
  const rest = shown.length < parameters.length ? ["..."] : [];
  return `${address}?${printable([...shown, ...rest].join("&"), MAX_SHOWN)}`;
}
