import { SatchelError } from "../error.ts";
import { isJsonObject, isTag, parseJson } from "../oci/mod.ts";
import type { Client } from "./client.ts";
import { pages } from "./pages.ts";

/** How many tags are asked for at once. */
const PAGE_SIZE = 1000;

/** A registry that knows no pages gives all at once. */
const LIMITS = { pages: 10_000, bytes: 16 * 1024 * 1024 };

/**
 * Lists a repository's tags, in the registry's order (distribution-spec 1.1, end-8b).
 *
 * @throws {SatchelError} `not-found` if there is no such repository, `invalid` if the answer is not a list of tags
 *   or one of more than 16 MiB
 */
export async function* listTags(client: Client, signal?: AbortSignal): AsyncGenerator<string, void, void> {
  const url = client.url("tags/list");
  url.search = `?n=${PAGE_SIZE}`;
  const spec = { method: "GET" as const, url, scopes: client.pull, accept: [200], signal };
  const found = pages(client, spec, LIMITS, async (sent, body) => {
    const what = `The list of tags at ${sent.url.host}`;
    return parseTags(await body(), what);
  });
  for await (const tags of found) yield* tags;
}

function parseTags(body: Uint8Array, what: string): string[] {
  const json = parseJson(body, what);
  if (!isJsonObject(json)) throw new SatchelError("invalid", `${what} is not a JSON object`);
  const tags = json.tags ?? [];
  if (!Array.isArray(tags)) throw new SatchelError("invalid", `${what} has no list`);
  return tags.filter((tag): tag is string => typeof tag === "string" && isTag(tag));
}
