import { isDigest, MediaType } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import { type Exchange, repositoriesAt } from "./exchange.ts";
import { READ, requireMethod } from "./methods.ts";

/** distribution-spec 1.1, "Listing Referrers" (end-12). */
export async function answerReferrers(exchange: Exchange, name: string, subject: string): Promise<Response> {
  const { request } = exchange;
  requireMethod(request, READ);
  if (!isDigest(subject)) throw new ApiError("DIGEST_INVALID", "this is not a digest of sha256 or sha512");
  const [repository] = repositoriesAt(exchange, name);
  const manifests = await repository.referrers(subject, { signal: request.signal });
  return Response.json({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }, {
    headers: { "Content-Type": MediaType.ociIndex },
  });
}
