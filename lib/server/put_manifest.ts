import { hasCode, SatchelError } from "../error.ts";
import {
  checkManifest,
  type Digest,
  digestAlgorithm,
  Digester,
  hasMoreValues,
  isDigest,
  isTag,
  type Manifest,
  MAX_MANIFEST_SIZE,
  ownMediaType,
  parseManifestJson,
  requireUnambiguous,
} from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import type { GatheredBody } from "./body_memory.ts";
import { ifAsExpected } from "./conditional_write.ts";
import { invalidDigest } from "./content_errors.ts";
import { lengthOf } from "./content_range.ts";
import { type Exchange, ownerOf } from "./exchange.ts";
import { locationOf } from "./location.ts";
import { type IncomingManifest, MissingContentError } from "./repositories.ts";
import { bodyOf } from "./upload_body.ts";
import { writePlace } from "./write_place.ts";

/** The most tags that one manifest gets at once, since all of them stand in one line. */
const MAX_TAGS = 100;

/** The most values of a manifest, lists and objects among them: 25 for each of the entries that one may have. */
const MAX_VALUES = 250_000;

/** How much of what is missing is listed. */
const MAX_LISTED = 100;

/** distribution-spec 1.1, "Pushing Manifests" (end-7). */
export async function putManifest(exchange: Exchange, name: string, reference: string): Promise<Response> {
  const place = writePlace(exchange, name);
  const { expected, tags } = wanted(exchange.url, reference);
  using body = await wholeBody(exchange);
  return await exchange.memory.work(body, async () => {
    const { bytes } = body;
    const digest = digestOf(bytes, expected);
    const manifest = parsed(bytes, exchange.request.headers.get("Content-Type"));
    const descriptor = { mediaType: manifest.mediaType, digest, size: bytes.length };
    const incoming: IncomingManifest = { descriptor, bytes, tags };
    const put = () => place.writable.putManifest(place.repository.name, incoming);
    await taken(() => ifAsExpected(exchange, place, reference, put));
    const headers = new Headers({
      "Location": locationOf(exchange, name, `manifests/${digest}`),
      "Docker-Content-Digest": digest,
    });
    if (manifest.subject) headers.set("OCI-Subject", manifest.subject.digest);
    if (expected) tags.forEach((tag) => headers.append("OCI-Tag", tag));
    return new Response(null, { status: 201, headers });
  });
}

/** What a request wants to call its manifest: by a digest, with any tags beside it, or by one tag. */
function wanted({ searchParams }: URL, reference: string): { expected?: Digest; tags: string[] } {
  if (isDigest(reference)) {
    const tags = searchParams.getAll("tag");
    if (tags.length > MAX_TAGS) {
      throw new ApiError("UNSUPPORTED", `more than ${MAX_TAGS} tags at once`, { status: 414 });
    }
    tags.forEach(checkTag);
    return { expected: reference, tags: [...new Set(tags)] };
  }
  if (reference.includes(":")) throw invalidDigest();
  checkTag(reference);
  return { tags: [reference] };
}

function checkTag(tag: string): void {
  if (!isTag(tag)) {
    throw new ApiError("MANIFEST_INVALID", "this is not a valid tag", { detail: { tag: tag.slice(0, 300) } });
  }
}

async function wholeBody(exchange: Exchange): Promise<GatheredBody> {
  const length = lengthOf(exchange.request.headers);
  const read = (signal: AbortSignal) => bodyOf(exchange, { length, limit: MAX_MANIFEST_SIZE, signal });
  return await exchange.memory.gather(read, length, ownerOf(exchange));
}

function digestOf(bytes: Uint8Array, expected: Digest | undefined): Digest {
  const digester = new Digester(expected && digestAlgorithm(expected));
  digester.update(bytes);
  const digest = digester.digest();
  if (expected === undefined || digest === expected) return digest;
  throw new ApiError("DIGEST_INVALID", "the manifest has another digest", { detail: { digest } });
}

/** Its type has to be the one that it says itself; without a `Content-Type` that alone counts. */
function parsed(bytes: Uint8Array, contentType: string | null): Manifest {
  try {
    if (bytes.length > MAX_VALUES && hasMoreValues(bytes, MAX_VALUES)) {
      throw new SatchelError("invalid", `the manifest has more than ${MAX_VALUES} values`);
    }
    const json = parseManifestJson(bytes, "the manifest");
    requireUnambiguous(bytes, "the manifest");
    const announced = contentType?.split(";")[0].trim();
    return checkManifest(json, announced || ownMediaType(json), "the manifest");
  } catch (error) {
    throw invalidManifest(error);
  }
}

function invalidManifest(error: unknown): unknown {
  if (!(error instanceof SatchelError) || !hasCode(error, "invalid")) return error;
  return new ApiError("MANIFEST_INVALID", error.message, { cause: error });
}

async function taken(put: () => Promise<void>): Promise<void> {
  try {
    await put();
  } catch (error) {
    if (!(error instanceof MissingContentError)) throw invalidManifest(error);
    const missing = error.missing.slice(0, MAX_LISTED).map(({ mediaType, digest, size }) => ({
      mediaType,
      digest,
      size,
    }));
    throw new ApiError("MANIFEST_BLOB_UNKNOWN", error.message, { detail: { missing, count: error.missing.length } });
  }
}
