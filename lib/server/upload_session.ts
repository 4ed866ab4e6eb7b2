import { ApiError } from "./api_error.ts";
import { type ChunkPlace, chunkPlace, rangeOf } from "./content_range.ts";
import type { Exchange } from "./exchange.ts";
import { locationOf } from "./location.ts";
import { requireMethod } from "./methods.ts";
import type { Upload } from "./repositories.ts";
import { bodyOf } from "./upload_body.ts";
import { writePlace } from "./write_place.ts";
import { accepted, finished, uploadHeaders, wantedDigest } from "./uploads.ts";

/**
 * distribution-spec 1.1, "Pushing blobs": what has come of an upload (end-13), more of it (end-5), its end (end-6). It can be
 * given up as well, as later versions of the specification have it.
 */
export async function answerUpload(exchange: Exchange, name: string, id: string): Promise<Response> {
  const { request } = exchange;
  requireMethod(request, ["GET", "HEAD", "PATCH", "PUT", "DELETE"]);
  const { writable } = writePlace(exchange, name);
  using upload = await writable.resumeUpload(id, { signal: request.signal });
  if (!upload) throw new ApiError("BLOB_UPLOAD_UNKNOWN", "there is no such upload, or no more");
  switch (request.method) {
    case "PATCH":
      await addChunk(exchange, name, upload, chunkPlace(request.headers));
      return accepted(exchange, name, upload);
    case "PUT":
      return await finish(exchange, name, upload);
    case "DELETE":
      upload.cancel();
      return new Response(null, { status: 204 });
    default:
      return new Response(null, { status: 204, headers: uploadHeaders(exchange, name, upload) });
  }
}

/** The last chunk may come along. */
async function finish(exchange: Exchange, name: string, upload: Upload): Promise<Response> {
  const digest = wantedDigest(exchange.url, "digest");
  if (!digest) throw new ApiError("DIGEST_INVALID", "the digest of the blob has to be in the query");
  await addChunk(exchange, name, upload, chunkPlace(exchange.request.headers));
  return await finished(exchange, name, upload, digest);
}

async function addChunk(exchange: Exchange, name: string, upload: Upload, place: ChunkPlace): Promise<void> {
  const { size } = upload;
  if ((place.start ?? size) !== size) {
    throw new ApiError("BLOB_UPLOAD_INVALID", "the chunk does not begin where the last one ended", {
      status: 416,
      headers: uploadHeaders(exchange, name, upload),
      detail: { range: rangeOf(size), location: locationOf(exchange, name, `blobs/uploads/${upload.id}`) },
    });
  }
  try {
    await upload.append(bodyOf(exchange, { length: place.length, limit: exchange.maxUpload, before: size }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 413) upload.cancel();
    throw error;
  }
}
