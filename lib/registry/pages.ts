import { SatchelError } from "../error.ts";
import { refuseEncoding } from "./body.ts";
import type { Client, RequestSpec } from "./client.ts";
import type { Exchange } from "./exchange.ts";
import { parseNextLink } from "./link.ts";
import { followUrl } from "./redirect.ts";

/** For whom a mirror stands in: it may forget that in its links. */
const NAMESPACE = "ns";

/** The most that one list may be, all its pages together. */
export interface ListLimits {
  pages: number;
  /** Of the pages and of their addresses, in bytes. */
  bytes: number;
}

/**
 * Goes through a list that a registry gives in pages (distribution-spec 1.1, `Link`).
 *
 * @param read reads one page, with the body that the second argument brings; `undefined` ends the list
 * @throws {SatchelError} `refused` for a next page on another host, `registry` for one that was there already or for too many,
 *   `invalid` for too many bytes, before they are in memory
 */
export async function* pages<T>(
  client: Client,
  spec: RequestSpec,
  limits: ListLimits,
  read: (sent: Exchange, body: () => Promise<Uint8Array>) => Promise<T | undefined>,
): AsyncGenerator<T, void, void> {
  const seen = new Set<string>();
  let left = limits.bytes;
  for (let url: URL | undefined = spec.url; url;) {
    const what = `The list at ${url.host}${spec.url.pathname}`;
    if (seen.has(url.href)) throw new SatchelError("registry", `${what} goes in circles`);
    if (seen.size === limits.pages) throw new SatchelError("registry", `${what} has more than ${limits.pages} pages`);
    seen.add(url.href);
    left -= url.href.length;
    const body = async (sent: Exchange): Promise<Uint8Array> => {
      refuseEncoding(sent, what);
      const bytes = await sent.read(left);
      if (!bytes) throw new SatchelError("invalid", `${what} is too large: it has more than ${limits.bytes} bytes`);
      left -= bytes.length;
      return bytes;
    };
    const page: { value: T | undefined; next?: URL } = await client.request({ ...spec, url }, async (sent) => {
      const value = await read(sent, () => body(sent));
      const link = value === undefined ? undefined : parseNextLink(sent.response.headers.get("link"));
      return link === undefined ? { value } : { value, next: nextPage(link, sent.url, spec.url) };
    });
    if (page.value === undefined) return;
    yield page.value;
    url = page.next;
  }
}

function nextPage(link: string, base: URL, first: URL): URL {
  const next = followUrl(link, base, "a link to the next page");
  if (next.origin === first.origin) return withNamespace(next, first);
  throw new SatchelError("refused", `${first.host} continues its list on another host, ${next.host}`);
}

/** What the server wrote is not written anew: it may be a token to the letter. */
function withNamespace(next: URL, first: URL): URL {
  const namespace = first.searchParams.get(NAMESPACE);
  if (namespace === null || next.searchParams.has(NAMESPACE)) return next;
  next.search += `${next.search === "" ? "?" : "&"}${NAMESPACE}=${encodeURIComponent(namespace)}`;
  return next;
}
