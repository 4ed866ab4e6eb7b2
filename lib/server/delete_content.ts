import { hasCode } from "../error.ts";
import { type Digest, isDigest, isTag } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import type { Exchange } from "./exchange.ts";
import { writePlace } from "./upload_place.ts";

/** distribution-spec 1.1, "Deleting tags" and "Deleting Manifests" (end-9): a tag, or all tags that a digest has here. */
export async function deleteManifest(exchange: Exchange, name: string, reference: string): Promise<Response> {
  const { writable, repository } = writePlace(exchange, name);
  if (!isDigest(reference) && !isTag(reference)) throw unknownManifest(reference);
  const wasThere = await unlessNeeded(() =>
    isDigest(reference)
      ? writable.removeManifest(repository.name, reference)
      : writable.removeTag(repository.name, reference)
  );
  if (!wasThere) throw unknownManifest(reference);
  return new Response(null, { status: 202 });
}

/** distribution-spec 1.1, "Deleting Blobs" (end-10). */
export async function deleteBlob(exchange: Exchange, name: string, digest: Digest): Promise<Response> {
  const { writable, repository } = writePlace(exchange, name);
  if (await unlessNeeded(() => writable.removeBlob(repository.name, digest))) {
    return new Response(null, { status: 202 });
  }
  throw new ApiError("BLOB_UNKNOWN", "there is no such blob in this repository", { detail: { digest } });
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

function unknownManifest(reference: string): ApiError {
  return new ApiError("MANIFEST_UNKNOWN", "there is no such manifest in this repository", {
    detail: { reference: reference.slice(0, 300) },
  });
}
