import { isDigest } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import { type Exchange, repositoriesAt } from "./exchange.ts";
import { READ, requireMethod } from "./methods.ts";
import type { ServedBlob } from "./repositories.ts";

/** distribution-spec 1.1, "Pulling blobs" (end-2). */
export async function answerBlob(exchange: Exchange, name: string, digest: string): Promise<Response> {
  const { request } = exchange;
  requireMethod(request, READ);
  if (!isDigest(digest)) throw new ApiError("DIGEST_INVALID", "this is not a digest of sha256 or sha512");
  const [repository] = repositoriesAt(exchange, name);
  const blob = await repository.blob(digest, { signal: request.signal });
  if (!blob) throw new ApiError("BLOB_UNKNOWN", "there is no such blob in this repository", { detail: { digest } });
  return new Response(request.method === "HEAD" ? null : bodyOf(exchange, blob, 0, blob.size), {
    headers: {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(blob.size),
      "Docker-Content-Digest": digest,
    },
  });
}

function bodyOf({ fileBody, request }: Exchange, { bytes }: ServedBlob, offset: number, length: number): BodyInit {
  if (typeof bytes !== "function") return fileBody(bytes.path, bytes.offset + offset, length);
  const stream = ReadableStream.from(bytes(offset, length, { signal: request.signal }));
  return stream as ReadableStream<Uint8Array<ArrayBuffer>>;
}
