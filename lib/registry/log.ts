import { type Exchange, exchange, type ExchangeOptions } from "./exchange.ts";
import type { HttpInit } from "../runtime/mod.ts";

/** What a logged exchange needs besides the request. */
export interface LoggedOptions extends ExchangeOptions {
  /** Gets a line for each request, without secrets. */
  log?: (line: string) => void;
}

/** Parameters of the distribution API that are no secrets. Upload locations and storage hosts have others that are. */
const PUBLIC_PARAMETERS: readonly string[] = ["digest", "mount", "from", "n", "last", "artifactType"];

/** As {@link exchange}, with a line for the log: method, address, status and how long the head took, in milliseconds. */
export async function loggedExchange(url: URL, init: HttpInit, options: LoggedOptions): Promise<Exchange> {
  const started = performance.now();
  const line = `${init.method} ${loggable(url)}`;
  try {
    const sent = await exchange(url, init, options);
    options.log?.(`${line} ${sent.response.status} ${Math.round(performance.now() - started)} ms`);
    return sent;
  } catch (error) {
    options.log?.(`${line} failed: ${(error as Error).message}`);
    throw error;
  }
}

function loggable(url: URL): string {
  const shown = [...url.searchParams].map(([name, value]) =>
    PUBLIC_PARAMETERS.includes(name) ? `${name}=${value}` : `${name}=...`
  );
  return `${url.origin}${url.pathname}${shown.length > 0 ? `?${shown.join("&")}` : ""}`;
}
