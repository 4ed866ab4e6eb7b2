import { hasCode, SatchelError } from "../error.ts";
import type { Resolved } from "../content/mod.ts";
import {
  declaredMediaType,
  type Descriptor,
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  Digester,
  isDigest,
  isJsonObject,
  isManifestType,
  type Manifest,
  MANIFEST_MEDIA_TYPES,
  MAX_MANIFEST_SIZE,
  MediaType,
  parseJson,
  parseManifest,
  tooLarge,
} from "../oci/mod.ts";
import { printable } from "../printable.ts";
import type { Client } from "./client.ts";
import type { Exchange } from "./exchange.ts";

/** A manifest as a registry gave it, checked against its digest and its type. */
export interface FetchedManifest extends Resolved {
  bytes: Uint8Array;
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
    const what = `${reference} of ${sent.url.host}`;
    const bytes = await readManifestBody(sent, what);
    const digest = checkedDigest(bytes, reference, sent.response.headers.get("docker-content-digest"), what);
    const mediaType = mediaTypeOf(bytes, contentType(sent), what);
    const manifest = parseManifest(bytes, mediaType, what);
    const etag = sent.response.headers.get("etag") ?? undefined;
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes, manifest, ...(etag ? { etag } : {}) };
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
  return await client.request(spec, ({ response, url }) => {
    const stored = response.headers.get("docker-content-digest");
    if (
      isDigest(stored) && digestAlgorithm(stored) === digestAlgorithm(descriptor.digest) && stored !== descriptor.digest
    ) {
      throw new SatchelError("integrity", `${url.host} stored ${descriptor.digest} as ${stored}`);
    }
    return response.headers.get("oci-subject") ?? undefined;
  });
}

/** The response's media type, lower case, without parameters. */
export function contentType({ response }: Exchange): string {
  return (response.headers.get("content-type") ?? "").split(";", 1)[0].trim().toLowerCase();
}

/**
 * Reads a body that should be a manifest.
 *
 * @throws {SatchelError} `invalid` for more than 4 MiB, before they are in memory
 */
export async function readManifestBody(sent: Exchange, what: string): Promise<Uint8Array> {
  refuseEncoding(sent, what);
  const bytes = await sent.read(MAX_MANIFEST_SIZE);
  if (bytes) return bytes;
  const announced = Number(sent.response.headers.get("content-length"));
  throw tooLarge(what, announced > MAX_MANIFEST_SIZE ? announced : MAX_MANIFEST_SIZE + 1);
}

/**
 * Refuses a body that was compressed on its way: its length would be unknown and a small one could fill the memory.
 *
 * @throws {SatchelError} `registry`
 */
export function refuseEncoding({ response, url }: Exchange, what: string): void {
  const encoding = response.headers.get("content-encoding");
  if (encoding === null || encoding.toLowerCase() === "identity") return;
  throw new SatchelError(
    "registry",
    `${url.host} sent ${what} with Content-Encoding ${printable(encoding, 40)}, unasked`,
  );
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

/** What a manifest is, from how it was announced and what it says itself. */
function mediaTypeOf(bytes: Uint8Array, announced: string, what: string): string {
  if (isManifestType(announced)) return announced;
  if (!VAGUE_TYPES.includes(announced)) {
    throw new SatchelError("invalid", `${what} is not a manifest: it was sent as ${printable(announced, 100)}`, {
      hint: announced === "text/html" ? "This is a web page; is the registry's name right?" : undefined,
    });
  }
  return declaredMediaType(bytes, what) ?? mediaTypeByShape(bytes, what);
}

/** OCI manifests need not name their type (image-spec 1.1, manifest.md, `mediaType`); Docker's must. */
function mediaTypeByShape(bytes: Uint8Array, what: string): string {
  const json = parseJson(bytes, what);
  return isJsonObject(json) && json.manifests !== undefined ? MediaType.ociIndex : MediaType.ociManifest;
}
