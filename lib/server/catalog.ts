import type { Exchange } from "./exchange.ts";
import { READ, requireMethod } from "./methods.ts";
import { offeredNames } from "./names.ts";
import { pageOf } from "./pagination.ts";

/** The names of all repositories, as distribution has them: not of the specification any more, but asked for by many. */
export async function answerCatalog({ request, url, repositories, names }: Exchange): Promise<Response> {
  requireMethod(request, READ);
  const offered = offeredNames(await repositories.list({ signal: request.signal }), names);
  const { entries, link } = pageOf(offered, url);
  return Response.json({ repositories: entries }, { headers: link === undefined ? {} : { Link: link } });
}
