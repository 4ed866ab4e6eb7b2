import { isDigest, isTag } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import { type Exchange, firstOf, repositoriesAt } from "./exchange.ts";
import { READ, requireMethod } from "./methods.ts";

/** distribution-spec 1.1, "Pulling manifests" (end-3). */
export async function answerManifest(exchange: Exchange, name: string, reference: string): Promise<Response> {
  const { request } = exchange;
  requireMethod(request, READ);
  if (!isTag(reference) && !isDigest(reference)) throw unknownManifest(reference);
  const repositories = repositoriesAt(exchange, name);
  const manifest = await firstOf(repositories, (each) => each.manifest(reference, { signal: request.signal }));
  if (!manifest) throw unknownManifest(reference);
  const { descriptor: { digest, mediaType }, bytes } = manifest;
  return new Response(request.method === "HEAD" ? null : bytes as Uint8Array<ArrayBuffer>, {
    headers: {
      "Content-Type": mediaType,
      "Content-Length": String(bytes.length),
      "Docker-Content-Digest": digest,
    },
  });
}

function unknownManifest(reference: string): ApiError {
  return new ApiError("MANIFEST_UNKNOWN", "there is no such manifest in this repository", { detail: { reference } });
}
