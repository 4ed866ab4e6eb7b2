import { hasCode, SatchelError } from "../error.ts";
import type { Resolved } from "../content/mod.ts";
import {
  checkManifest,
  type Descriptor,
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  Digester,
  isDigest,
  isManifestType,
  type JsonObject,
  type Manifest,
  MANIFEST_MEDIA_TYPES,
  MAX_MANIFEST_SIZE,
  ownMediaType,
  parseManifestJson,
} from "../oci/mod.ts";
import { printable } from "../printable.ts";
import { checkStoredDigest, contentType, readBody } from "./body.ts";
import type { Client } from "./client.ts";

/** A manifest as a registry gave it, checked against its digest and its type. */
export interface FetchedManifest extends Resolved {
  bytes: Uint8Array;
  /** All that is in it, to write it again without loss. */
  json: JsonObject;
  manifest: Manifest;
  /** For a conditional write. */
  etag?: string;
}

/** Types that say nothing about a manifest, so that its own text decides. */
const VAGUE_TYPES: readonly string[] = ["", "application/json", "application/octet-stream", "text/plain"];

const ACCEPT = MANIFEST_MEDIA_TYPES.join(", ");

/**
 * Fetches a manifest by tag or digest (distribution-spec 1.1, end-3).
 *
 * @throws {SatchelError} `not-found`, `integrity` if the bytes are not those of the digest that was asked for or announced,
 *   `invalid` if it is too large, not a manifest, or not of the type that was announced
 */
export async function fetchManifest(
  client: Client,
  reference: string,
  signal?: AbortSignal,
): Promise<FetchedManifest> {
  const spec = {
    method: "GET" as const,
    url: client.url(`manifests/${reference}`),
    headers: { accept: ACCEPT },
    scopes: client.pull,
    accept: [200],
    signal,
  };
  return await client.request(spec, async (sent) => {
    const what = `${isDigest(reference) ? "" : "tag "}${reference} of ${sent.url.host}`;
    const bytes = await readBody(sent, MAX_MANIFEST_SIZE, what);
    const digest = checkedDigest(bytes, reference, sent.response.headers.get("docker-content-digest"), what);
    const announced = announcedType(contentType(sent), what);
    const json = parseManifestJson(bytes, what);
    const mediaType = announced ?? ownMediaType(json);
    const manifest = checkManifest(json, mediaType, what);
    const etag = sent.response.headers.get("etag") ?? undefined;
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes, json, manifest, ...(etag ? { etag } : {}) };
  });
}

/** As {@link fetchManifest}, but `undefined` if there is none. */
export async function findManifest(
  client: Client,
  reference: string,
  signal?: AbortSignal,
): Promise<FetchedManifest | undefined> {
  try {
    return await fetchManifest(client, reference, signal);
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}

/**
 * Writes a manifest under a tag or its digest (distribution-spec 1.1, end-7).
 *
 * @returns the digest of the subject whose list of referrers the registry keeps itself (`OCI-Subject`)
 * @throws {SatchelError} `integrity` if the registry made other bytes of it
 */
export async function putManifest(
  client: Client,
  reference: string,
  descriptor: Descriptor,
  bytes: Uint8Array,
  options: { signal?: AbortSignal; ifMatch?: string } = {},
): Promise<string | undefined> {
  const headers: Record<string, string> = { "content-type": descriptor.mediaType };
  if (options.ifMatch !== undefined) headers["if-match"] = options.ifMatch;
  const spec = {
    method: "PUT" as const,
    url: client.url(`manifests/${reference}`),
    headers,
    body: () => bytes,
    scopes: client.push,
    accept: [200, 201, 202],
    signal: options.signal,
  };
  return await client.request(spec, (sent) => {
    checkStoredDigest(sent, descriptor.digest);
    return sent.response.headers.get("oci-subject") ?? undefined;
  });
}

function checkedDigest(bytes: Uint8Array, reference: string, header: string | null, what: string): Digest {
  const asked = isDigest(reference) ? reference : undefined;
  const found = compute(bytes, asked && digestAlgorithm(asked));
  if (asked !== undefined && found !== asked) {
    throw new SatchelError("integrity", `${what} has other bytes than its name says: their digest is ${found}`);
  }
  // A digest of an algorithm that is not known here proves nothing, and is no contradiction either.
  if (!isDigest(header)) return found;
  const announced = compute(bytes, digestAlgorithm(header));
  if (announced !== header) {
    throw new SatchelError(
      "integrity",
      `${what} was announced as ${header}, but the digest of its bytes is ${announced}`,
    );
  }
  return found;
}

function compute(bytes: Uint8Array, algorithm?: DigestAlgorithm): Digest {
  const digester = new Digester(algorithm);
  digester.update(bytes);
  return digester.digest();
}

/** The type as which a manifest was sent; `undefined` if its own text has to say it. */
function announcedType(type: string, what: string): string | undefined {
  if (isManifestType(type)) return type;
  if (VAGUE_TYPES.includes(type)) return undefined;
  throw new SatchelError("invalid", `${what} is not a manifest: it was sent as ${printable(type, 100)}`, {
    hint: type === "text/html" ? "This is a web page; is the registry's name right?" : undefined,
  });
}
