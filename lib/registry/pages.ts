import { SatchelError } from "../error.ts";
import type { Client, RequestSpec } from "./client.ts";
import type { Exchange } from "./exchange.ts";
import { parseNextLink } from "./link.ts";
import { followUrl } from "./redirect.ts";

/**
 * Goes through a list that a registry gives in pages (distribution-spec 1.1, `Link`).
 *
 * @param limit the most pages that are asked for
 * @param read reads one page; `undefined` ends the list
 * @throws {SatchelError} `refused` for a next page on another host, `registry` for more than `limit` or one that was there
 *   already
 */
export async function* pages<T>(
  client: Client,
  spec: RequestSpec,
  limit: number,
  read: (sent: Exchange) => Promise<T | undefined>,
): AsyncGenerator<T, void, void> {
  const seen = new Set<string>();
  for (let url: URL | undefined = spec.url; url;) {
    const what = `The list at ${url.host}${spec.url.pathname}`;
    if (seen.has(url.href)) throw new SatchelError("registry", `${what} goes in circles`);
    if (seen.size === limit) throw new SatchelError("registry", `${what} has more than ${limit} pages`);
    seen.add(url.href);
    const page: { value: T | undefined; next?: URL } = await client.request({ ...spec, url }, async (sent) => {
      const value = await read(sent);
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
  if (next.origin === first.origin) return next;
  throw new SatchelError("refused", `${first.host} continues its list on another host, ${next.host}`);
}
