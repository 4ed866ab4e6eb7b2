import { hasCode } from "../error.ts";
import type { Digest, DigestAlgorithm } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import { invalidDigest, requireDigest } from "./content_errors.ts";
import { lengthOf, rangeOf } from "./content_range.ts";
import { type Exchange, ownerOf, repositoriesAt } from "./exchange.ts";
import { locationOf } from "./location.ts";
import { requireMethod } from "./methods.ts";
import { bodyOf } from "./upload_body.ts";
import type { Repository, Upload } from "./repositories.ts";
import { writePlace } from "./write_place.ts";

/** Any length of a chunk will do (distribution-spec 1.1, "Pushing a blob in chunks"). */
const CHUNK_MIN_LENGTH = 1;

/**
 * distribution-spec 1.1, "Pushing blobs": starts an upload (end-4a), takes a blob whole (end-4b), or has it from another
 * repository (end-11).
 */
export async function answerUploads(exchange: Exchange, name: string): Promise<Response> {
  const { request, url } = exchange;
  requireMethod(request, ["POST"]);
  const { writable, repository } = writePlace(exchange, name);
  const algorithm = wantedAlgorithm(url);
  const mount = wantedDigest(url, "mount");
  // Who may read one repository may read all, so where it comes from need only be a name.
  const from = url.searchParams.get("from");
  if (from) repositoriesAt(exchange, from);
  if (mount && await isThere(repository, mount, request.signal)) return created(exchange, name, mount);
  const digest = wantedDigest(url, "digest");
  using upload = await writable.startUpload({ signal: request.signal, algorithm, owner: ownerOf(exchange) });
  if (!digest) return accepted(exchange, name, upload);
  try {
    const length = lengthOf(request.headers);
    await upload.append(bodyOf(exchange, { length, limit: exchange.maxUpload }));
    return await finished(exchange, name, upload, digest);
  } catch (error) {
    // Nobody knows its id.
    upload.cancel();
    throw error;
  }
}

/** A blob that is there but damaged is taken in anew. */
async function isThere(repository: Repository, digest: Digest, signal: AbortSignal): Promise<boolean> {
  try {
    return await repository.blob(digest, { signal }) !== undefined;
  } catch (error) {
    if (hasCode(error, "integrity")) return false;
    throw error;
  }
}

/** distribution-spec, "Pushing a blob in chunks": what the digest will be of, so that it can be hashed as it comes. */
function wantedAlgorithm({ searchParams }: URL): DigestAlgorithm | undefined {
  const algorithm = searchParams.get("digest-algorithm") ?? searchParams.get("digest")?.split(":")[0];
  if (algorithm === undefined || algorithm === "sha256" || algorithm === "sha512") return algorithm;
  throw invalidDigest();
}

/**
 * The digest that a request names in its query.
 *
 * @throws {ApiError} `DIGEST_INVALID`
 */
export function wantedDigest({ searchParams }: URL, parameter: string): Digest | undefined {
  const digest = searchParams.get(parameter);
  return digest === null ? undefined : requireDigest(digest);
}

/**
 * Makes a blob of an upload, and answers.
 *
 * @throws {ApiError} `DIGEST_INVALID`
 */
export async function finished(exchange: Exchange, name: string, upload: Upload, digest: Digest): Promise<Response> {
  try {
    await upload.finish(digest);
  } catch (error) {
    if (!hasCode(error, "integrity")) throw error;
    throw new ApiError("DIGEST_INVALID", "what came has another digest", { detail: { digest }, cause: error });
  }
  return created(exchange, name, digest);
}

/** The answer once a blob is there. */
function created(exchange: Exchange, name: string, digest: Digest): Response {
  return new Response(null, {
    status: 201,
    headers: { "Location": locationOf(exchange, name, `blobs/${digest}`), "Docker-Content-Digest": digest },
  });
}

/** The answer while more of a blob is to come. */
export function accepted(exchange: Exchange, name: string, { id, size }: Pick<Upload, "id" | "size">): Response {
  return new Response(null, { status: 202, headers: uploadHeaders(exchange, name, { id, size }) });
}

/** What every answer about an upload says. */
export function uploadHeaders(
  exchange: Exchange,
  name: string,
  { id, size }: Pick<Upload, "id" | "size">,
): Record<string, string> {
  return {
    "Location": locationOf(exchange, name, `blobs/uploads/${id}`),
    "Range": rangeOf(size),
    "Docker-Upload-UUID": id,
    "OCI-Chunk-Min-Length": String(CHUNK_MIN_LENGTH),
  };
}
