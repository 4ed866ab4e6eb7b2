import { type Digest, isDigest } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";

/** The most of what a client sent that it is told again, in UTF-16 units. */
const MAX_TOLD = 300;

/**
 * What a client wrote where a digest belongs.
 *
 * @throws {ApiError} `DIGEST_INVALID`
 */
export function requireDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw invalidDigest();
}

/** The answer to something that is no digest, or one of another algorithm. */
export function invalidDigest(): ApiError {
  return new ApiError("DIGEST_INVALID", "this is not a digest of sha256 or sha512");
}

/** The answer about a manifest that is not there. */
export function unknownManifest(reference: string): ApiError {
  return new ApiError("MANIFEST_UNKNOWN", "there is no such manifest in this repository", {
    detail: { reference: reference.slice(0, MAX_TOLD) },
  });
}

/** The answer about a blob that is not there. */
export function unknownBlob(digest: Digest): ApiError {
  return new ApiError("BLOB_UNKNOWN", "there is no such blob in this repository", { detail: { digest } });
}
