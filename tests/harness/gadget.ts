import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import type { Registry } from "./registry.ts";

/** Content by digest, as a registry or a layout would hold it. */
export interface Blob {
  digest: string;
  mediaType: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** An image in memory. */
export interface Image {
  /** The index, or the manifest of a single image. */
  root: Blob;
  /** Children before their parents; the root is the last. */
  manifests: Blob[];
  /** Configs and layers. */
  blobs: Blob[];
}

/** What to make; the zero value is a gadget of two architectures with one layer each. */
export interface GadgetOptions {
  /** Makes the content differ from that of other gadgets. Default: a random word. */
  seed?: string;
  /** Bytes of each layer. Default: 1,000. */
  layerSize?: number;
  /** Layers of each architecture. Default: 1. */
  layers?: number;
  /** The value of `org.opencontainers.image.created`. Default: 2026-01-02T03:04:05Z. */
  created?: string;
  /** Leave `platform` out of the index's entries. */
  withoutPlatform?: boolean;
  architectures?: readonly string[];
  /** Its gadget.yaml. Default: a name and a description. */
  metadata?: string;
  /** Annotations of the index and the manifests beside the usual ones. */
  annotations?: Readonly<Record<string, string>>;
}

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.gadget.config.v1+yaml";
const EBPF_LAYER = "application/vnd.gadget.ebpf.program.v1+binary";

/** Makes a gadget image as `ig image build` does: an index, a manifest for each architecture, config and layers. */
export function makeGadget(options: GadgetOptions = {}): Image {
  const { seed = crypto.randomUUID(), architectures = ["amd64", "arm64"] } = options;
  const created = options.created ?? "2026-01-02T03:04:05Z";
  const annotations = {
    "org.opencontainers.image.created": created,
    "org.opencontainers.image.description": "Counts what a test counts",
    "org.opencontainers.image.title": seed,
    ...options.annotations,
  };
  const metadata = options.metadata ?? `name: ${seed}\ndescription: Counts what a test counts\n`;
  const config = blobOf(CONFIG, metadata);
  const blobs = [config];
  const manifests: Blob[] = [];
  for (const architecture of architectures) {
    const layers = Array.from(
      { length: options.layers ?? 1 },
      (_, index) => blobOf(EBPF_LAYER, fill(`${seed} ${architecture} ${index}`, options.layerSize ?? 1000)),
    );
    blobs.push(...layers);
    manifests.push(manifestOf({ config, layers, annotations }));
  }
  const root = jsonBlob(INDEX, {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: manifests.map((manifest, index) => ({
      ...describe(manifest),
      ...(!options.withoutPlatform && { platform: { architecture: architectures[index], os: "linux" } }),
    })),
    annotations,
  });
  return { root, manifests: [...manifests, root], blobs };
}

/** What {@link makeReferrer} makes. */
export interface ReferrerOptions {
  artifactType: string;
  /** Content of its one layer. */
  payload: string;
}

/** Makes an OCI 1.1 artifact that refers to `subject`. */
export function makeReferrer(subject: Blob, { artifactType, payload }: ReferrerOptions): Image {
  const config = blobOf("application/vnd.oci.empty.v1+json", "{}");
  const layer = blobOf("text/plain", payload);
  const root = manifestOf({ artifactType, config, layers: [layer], subject: describe(subject) });
  return { root, manifests: [root], blobs: [config, layer] };
}

/**
 * Makes a signature as cosign's older format has it; it belongs under the tag `sha256-<hex>.sig`.
 *
 * @param certificate PEM text, of whoever shall have signed
 */
export function makeCosignSignature(subject: Blob, certificate?: string): Image {
  const config = blobOf("application/vnd.oci.image.config.v1+json", "{}");
  const payload = JSON.stringify({ critical: { image: { "docker-manifest-digest": subject.digest } } });
  const layer = blobOf("application/vnd.dev.cosign.simplesigning.v1+json", payload);
  const annotations = {
    "dev.cosignproject.cosign/signature": "MEUC",
    ...(certificate !== undefined && { "dev.sigstore.cosign/certificate": certificate }),
  };
  const layers = [{ ...describe(layer), annotations }];
  const root = jsonBlob(MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config: describe(config), layers });
  return { root, manifests: [root], blobs: [config, layer] };
}

/** The tag under which cosign keeps what belongs to an image: `sha256-<hex>.sig`, or `sha256-<hex>` without a suffix. */
export function attachmentTag(digest: string, suffix = ""): string {
  return digest.replace(":", "-") + suffix;
}

/** A registry as {@link pushImage} and its like need it. */
export type Reachable = Pick<Registry, "fetch">;

/** Puts an image into a registry by plain requests, so that a test does not depend on satchel's own push. */
export async function pushImage(
  registry: Reachable,
  repository: string,
  tag: string | undefined,
  image: Image,
  headers: Record<string, string> = {},
): Promise<void> {
  const base = `/v2/${repository}`;
  for (const { digest, bytes } of image.blobs) {
    const started = await request(registry, `${base}/blobs/uploads/`, 202, { method: "POST", headers });
    const location = new URL(started.headers.get("location") ?? "", started.url);
    location.searchParams.set("digest", digest);
    const type = { "content-type": "application/octet-stream" };
    await request(registry, location.href, 201, { method: "PUT", headers: { ...headers, ...type }, body: bytes });
  }
  for (const manifest of image.manifests) {
    const name = manifest === image.root && tag !== undefined ? tag : manifest.digest;
    const type = { "content-type": manifest.mediaType };
    const init = { method: "PUT", headers: { ...headers, ...type }, body: manifest.bytes };
    await request(registry, `${base}/manifests/${name}`, 201, init);
  }
}

/** A manifest as a registry has it now: its digest and its content; `undefined` if there is none. */
export async function readManifest(
  registry: Reachable,
  repository: string,
  reference: string,
  headers: Record<string, string> = {},
): Promise<{ digest: string; json: Record<string, unknown> } | undefined> {
  const accept = { accept: `${INDEX}, ${MANIFEST}` };
  const response = await registry.fetch(`/v2/${repository}/manifests/${reference}`, {
    headers: { ...headers, ...accept },
  });
  const bytes = await response.bytes();
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${reference}: ${response.status}`);
  return { digest: digestOf(bytes), json: JSON.parse(new TextDecoder().decode(bytes)) };
}

/** Checks that a registry has an image under a name, every manifest and every blob of it, byte for byte. */
export async function assertHolds(
  registry: Reachable,
  repository: string,
  tag: string,
  image: Image,
  headers: Record<string, string> = {},
): Promise<void> {
  assert.equal((await readManifest(registry, repository, tag, headers))?.digest, image.root.digest);
  for (const { digest } of image.manifests) {
    assert.equal((await readManifest(registry, repository, digest, headers))?.digest, digest);
  }
  for (const { digest } of image.blobs) {
    const response = await request(registry, `/v2/${repository}/blobs/${digest}`, 200, { headers });
    assert.equal(digestOf(response.body), digest);
  }
}

/** The digest of bytes, `sha256:<hex>`. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function manifestOf(
  { config, layers, ...rest }: { config: Blob; layers: Blob[] } & Record<string, unknown>,
): Blob {
  return jsonBlob(MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    ...(rest.artifactType !== undefined && { artifactType: rest.artifactType }),
    config: describe(config),
    layers: layers.map(describe),
    ...(rest.subject !== undefined && { subject: rest.subject }),
    ...(rest.annotations !== undefined && { annotations: rest.annotations }),
  });
}

function describe({ mediaType, digest, bytes }: Blob) {
  return { mediaType, digest, size: bytes.length };
}

function jsonBlob(mediaType: string, value: unknown): Blob {
  return blobOf(mediaType, JSON.stringify(value));
}

function blobOf(mediaType: string, content: string | Uint8Array<ArrayBuffer>): Blob {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { digest: digestOf(bytes), mediaType, bytes };
}

/** `size` bytes that look random, the same for the same seed: what compresses well would hide errors. */
function fill(seed: string, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0, block = 0; at < size; block++) {
    const part = createHash("sha512").update(`${seed} ${block}`).digest().subarray(0, size - at);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function request(registry: Reachable, path: string, expected: number, init: RequestInit) {
  const response = await registry.fetch(path, init);
  const body = await response.bytes();
  if (response.status !== expected) {
    throw new Error(`${init.method ?? "GET"} ${response.url}: ${response.status} ${new TextDecoder().decode(body)}`);
  }
  return { body, headers: response.headers, url: response.url };
}
