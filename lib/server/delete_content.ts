import { hasCode } from "../error.ts";
import { type Digest, isDigest, isTag } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import { ifAsExpected } from "./conditional_write.ts";
import { unknownBlob, unknownManifest } from "./content_errors.ts";
import type { Exchange } from "./exchange.ts";
import { writePlace } from "./write_place.ts";

/** distribution-spec 1.1, "Deleting tags" and "Deleting Manifests" (end-9): a tag, or all tags that a digest has here. */
export async function deleteManifest(exchange: Exchange, name: string, reference: string): Promise<Response> {
  const place = writePlace(exchange, name);
  const { writable, repository } = place;
  if (!isDigest(reference) && !isTag(reference)) throw unknownManifest(reference);
  const remove = () =>
    isDigest(reference)
      ? writable.removeManifest(repository.name, reference)
      : writable.removeTag(repository.name, reference);
  const wasThere = await unlessNeeded(() => ifAsExpected(exchange, place, reference, remove));
  if (!wasThere) throw unknownManifest(reference);
  return new Response(null, { status: 202 });
}

/** distribution-spec 1.1, "Deleting Blobs" (end-10). */
export async function deleteBlob(exchange: Exchange, name: string, digest: Digest): Promise<Response> {
  const { writable, repository } = writePlace(exchange, name);
  if (await unlessNeeded(() => writable.removeBlob(repository.name, digest))) {
    return new Response(null, { status: 202 });
  }
  throw unknownBlob(digest);
}

/** Nothing is taken away that makes something else unusable. */
async function unlessNeeded(remove: () => Promise<boolean>): Promise<boolean> {
  try {
    return await remove();
  } catch (error) {
    if (!hasCode(error, "refused")) throw error;
    throw new ApiError("UNSUPPORTED", "a manifest that is here needs it; delete that first", {
      headers: { Allow: "GET, HEAD" },
      cause: error,
    });
  }
}
