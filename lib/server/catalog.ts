import type { Exchange } from "./exchange.ts";
import { READ, requireMethod } from "./methods.ts";
import { offeredName } from "./names.ts";

/** The names of all repositories, as distribution has them: not of the specification any more, but asked for by many. */
export async function answerCatalog({ request, repositories, names }: Exchange): Promise<Response> {
  requireMethod(request, READ);
  const all = await repositories.list({ signal: request.signal });
  return Response.json({ repositories: all.map((name) => offeredName(name, names)) });
}
