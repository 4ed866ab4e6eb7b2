import { compareBytes } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import { type Exchange, firstOf, repositoriesAt } from "./exchange.ts";
import { READ, requireMethod } from "./methods.ts";
import { pageOf } from "./pagination.ts";

/** distribution-spec 1.1, "Listing Tags" (end-8a, end-8b). */
export async function answerTags(exchange: Exchange, name: string): Promise<Response> {
  const { request, url } = exchange;
  requireMethod(request, READ);
  const tags = await firstOf(repositoriesAt(exchange, name), (each) => each.tags({ signal: request.signal }));
  if (!tags) throw new ApiError("NAME_UNKNOWN", "there is no repository of this name", { detail: { name } });
  const { entries, link } = pageOf(tags.toSorted(compareTags), url, compareTags);
  return Response.json({ name, tags: entries }, { headers: link === undefined ? {} : { Link: link } });
}

/** As if all letters were small ("Listing Tags"); those that differ in that alone in the order of their bytes. */
function compareTags(a: string, b: string): number {
  return compareBytes(a.toLowerCase(), b.toLowerCase()) || compareBytes(a, b);
}
