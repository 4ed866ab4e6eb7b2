import { hasCode } from "../error.ts";
import { concatBytes } from "../content/mod.ts";
import type { Digest } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import { etagOf, isNotModified, requireMatch } from "./conditional.ts";
import { requireDigest, unknownBlob } from "./content_errors.ts";
import { deleteBlob } from "./delete_content.ts";
import { type Exchange, repositoriesAt } from "./exchange.ts";
import { methodsAt, requireMethod } from "./methods.ts";
import { wantedRange } from "./range.ts";
import type { Repository, ServedBlob } from "./repositories.ts";

/** What does not come out of a file is read into memory up to this size, in bytes, so that its length can be announced. */
const MAX_IN_MEMORY = 1024 * 1024;

/** distribution-spec 1.1, "Pulling blobs" (end-2), with ranges and conditions as RFC 9110 has them. */
export async function answerBlob(exchange: Exchange, name: string, reference: string): Promise<Response> {
  const { request } = exchange;
  requireMethod(request, methodsAt(exchange, ["DELETE"]));
  const [repository] = repositoriesAt(exchange, name);
  const digest = requireDigest(reference);
  if (request.method === "DELETE") return await deleteBlob(exchange, name, digest);
  const blob = await findBlob(exchange, repository, digest);
  if (!blob) throw unknownBlob(digest);
  const etag = etagOf(digest);
  // What nobody has hashed yet may prove damaged: no cache in between should go on giving it out.
  const headers = {
    ETag: etag,
    "Cache-Control": blob.isHashed ? "max-age=31536000, immutable" : "no-store",
    "Docker-Content-Digest": digest,
  };
  requireMatch(request, etag);
  if (isNotModified(request, etag)) return new Response(null, { status: 304, headers });
  try {
    return await answerBytes(exchange, blob, headers);
  } catch (error) {
    // It was removed just now.
    throw hasCode(error, "not-found") ? unknownBlob(digest) : error;
  }
}

/** Who asks whether to push a blob that is damaged here shall push it. */
async function findBlob(
  { request, repositories }: Exchange,
  repository: Repository,
  digest: Digest,
): Promise<ServedBlob | undefined> {
  try {
    return await repository.blob(digest, { signal: request.signal });
  } catch (error) {
    if (hasCode(error, "integrity") && request.method === "HEAD" && repositories.writable) return undefined;
    throw error;
  }
}

async function answerBytes(
  exchange: Exchange,
  blob: ServedBlob,
  common: Readonly<Record<string, string>> & { ETag: string },
): Promise<Response> {
  const { request } = exchange;
  const { size } = blob;
  const range = wantedRange(request, size, common.ETag);
  if (range === "unsatisfiable") {
    const headers = { "Content-Range": `bytes */${size}` };
    throw new ApiError("UNSUPPORTED", "the blob has no bytes in this range", { status: 416, headers });
  }
  const { start, length } = range === "whole" ? { start: 0, length: size } : range;
  const headers = {
    ...common,
    "Accept-Ranges": "bytes",
    "Content-Type": "application/octet-stream",
    "Content-Length": String(length),
    // Nothing that somebody has put into an image is to be shown by a browser; and without this, Bun names the file.
    "Content-Disposition": "attachment",
    "X-Content-Type-Options": "nosniff",
    ...(range !== "whole" && { "Content-Range": `bytes ${start}-${start + length - 1}/${size}` }),
  };
  const body = request.method === "HEAD" ? null : await bodyOf(exchange, blob, start, length);
  // The status is said in any case: without it, Bun reads the range of the request once more.
  return new Response(body, { status: range === "whole" ? 200 : 206, headers });
}

async function bodyOf(exchange: Exchange, { bytes }: ServedBlob, offset: number, length: number): Promise<BodyInit> {
  const { fileBody, request: { signal } } = exchange;
  if (typeof bytes !== "function") return fileBody(bytes.path, bytes.offset + offset, length);
  const stream = bytes(offset, length, { signal });
  if (length > MAX_IN_MEMORY) return ReadableStream.from(stream) as ReadableStream<Uint8Array<ArrayBuffer>>;
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk.slice());
  return concatBytes(chunks) as Uint8Array<ArrayBuffer>;
}
