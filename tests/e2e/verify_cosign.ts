/** What the tests of verifying cosign's signatures have in common. */
import { Buffer } from "node:buffer";
import {
  attachmentTag,
  type Blob,
  type Cosign,
  digestOf,
  type Image,
  makeGadget,
  pushImage,
  readManifest,
  type Registry,
  satchel,
} from "../harness/mod.ts";

export const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json";

/** One signature, as `-o json` has it. */
export interface Found {
  digest: string;
  format: string;
  isGood: boolean;
  reason: string;
  algorithm?: string;
  /** Whom the certificate is for, and who vouches for that. */
  identity?: string;
  issuer?: string;
  /** The place in a transparency log. */
  log?: { id: string; index: number };
}

/** How an image was verified. */
export interface Outcome {
  code: number;
  stderr: string;
  signatures: Found[];
}

/** Lets the binary verify an image in a registry by public keys. */
export async function verifyRemote(
  registry: Registry,
  name: string,
  keys: readonly (string | Cosign)[],
  ...flags: string[]
): Promise<Outcome> {
  return await verify([`${registry.host}/${name}`, "--remote", "--insecure-registries", registry.host, ...flags], keys);
}

export async function verify(args: string[], keys: readonly (string | Cosign)[], store?: string): Promise<Outcome> {
  const given = keys.flatMap((key) => ["--public-keys", typeof key === "string" ? key : key.publicKey]);
  const { code, stdout, stderr } = await satchel(["image", "verify", ...args, ...given, "-o", "json"], { store });
  type Report = { verdicts: { plugin: string; evidence: Found[] }[] };
  const { verdicts = [] } = stdout === "" ? {} as Partial<Report> : JSON.parse(stdout) as Report;
  return {
    code,
    stderr,
    signatures: verdicts.filter(({ plugin }) => plugin === "cosign").flatMap((each) => each.evidence),
  };
}

/** Pushes an image, and returns it with its name by digest. */
export async function pushGadget(registry: Registry, repository: string): Promise<{ image: Image; name: string }> {
  const image = makeGadget({ seed: repository });
  await pushImage(registry, repository, "v1", image);
  return { image, name: `${registry.host}/${repository}@${image.root.digest}` };
}

export function blobOf(mediaType: string, content: string | Uint8Array | object): Blob {
  const isText = typeof content === "string";
  const bytes = content instanceof Uint8Array ? content : Buffer.from(isText ? content : JSON.stringify(content));
  return { mediaType, digest: digestOf(bytes), bytes: new Uint8Array(bytes) };
}

export function descriptorOf({ mediaType, digest, bytes }: Blob) {
  return { mediaType, digest, size: bytes.length };
}

export async function pushManifest(
  registry: Registry,
  repository: string,
  tag: string,
  root: Blob,
  blobs: Blob[] = [],
) {
  await pushImage(registry, repository, tag, { root, manifests: [root], blobs });
}

/** Makes a manifest refer to an image, by the list under a tag too, as clients do for registries without the referrers API. */
export async function pushReferrer(registry: Registry, repository: string, subject: Blob, blobs: Blob[], json: object) {
  const root = blobOf(MANIFEST, { ...json, subject: descriptorOf(subject) });
  await pushImage(registry, repository, undefined, { root, manifests: [root], blobs });
  const list = attachmentTag(subject.digest);
  const { json: index } = await readManifest(registry, repository, list) ?? { json: { manifests: [] } };
  const { artifactType } = json as { artifactType?: string };
  const manifests = [...index.manifests as object[], { ...descriptorOf(root), artifactType }];
  await pushManifest(registry, repository, list, blobOf(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests }));
}

/** A layer as cosign 2 signs it. */
export function simpleSigning(digest: string, sign: (payload: Uint8Array) => Uint8Array) {
  const identity = { "docker-reference": "any" };
  const type = "cosign container image signature";
  const layer = blobOf(PAYLOAD, {
    critical: { identity, image: { "docker-manifest-digest": digest }, type },
    optional: null,
  });
  const annotations = { "dev.cosignproject.cosign/signature": Buffer.from(sign(layer.bytes)).toString("base64") };
  return { layer, descriptor: { ...descriptorOf(layer), annotations } };
}

/** Puts signatures of one image under the tag that cosign gives them. */
export async function pushTagged(
  registry: Registry,
  repository: string,
  image: Image,
  layers: ReturnType<typeof simpleSigning>[],
) {
  const config = blobOf("application/vnd.oci.image.config.v1+json", "{}");
  const root = blobOf(MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptorOf(config),
    layers: layers.map(({ descriptor }) => descriptor),
  });
  const blobs = [config, ...new Map(layers.map(({ layer }) => [layer.digest, layer])).values()];
  await pushManifest(registry, repository, attachmentTag(image.root.digest, ".sig"), root, blobs);
}
