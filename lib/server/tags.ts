import { ApiError } from "./api_error.ts";
import { type Exchange, firstOf, repositoriesAt } from "./exchange.ts";
import { READ, requireMethod } from "./methods.ts";

/** distribution-spec 1.1, "Listing Tags" (end-8). */
export async function answerTags(exchange: Exchange, name: string): Promise<Response> {
  const { request } = exchange;
  requireMethod(request, READ);
  const tags = await firstOf(repositoriesAt(exchange, name), (each) => each.tags({ signal: request.signal }));
  if (!tags) throw new ApiError("NAME_UNKNOWN", "there is no repository of this name", { detail: { name } });
  return Response.json({ name, tags });
}
