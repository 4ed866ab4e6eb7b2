import { createHash } from "node:crypto";

/** What a registry may hold, by its digest. */
export interface Content {
  digest: string;
  mediaType: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A manifest, and what has to be there before it is pushed: blobs, then manifests, each after what it needs. */
export interface Pushable {
  root: Content;
  blobs: readonly Content[];
  manifests: readonly Content[];
}

/** Algorithms of digests that the specification of images registers. */
export const ALGORITHMS = ["sha256", "sha512"] as const;

/** One of {@link ALGORITHMS}. */
export type Algorithm = typeof ALGORITHMS[number];

/** Media types. */
export const TYPE = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  plainLayer: "application/vnd.oci.image.layer.v1.tar",
  foreignLayer: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
  empty: "application/vnd.oci.empty.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
} as const;

/** Names bytes. */
export function digestOf(bytes: Uint8Array, algorithm: Algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** Some content: this text, or so many random bytes. */
export function content(what: string | number, mediaType: string = TYPE.layer, algorithm?: Algorithm): Content {
  const bytes = typeof what === "string"
    ? new TextEncoder().encode(what)
    : crypto.getRandomValues(new Uint8Array(Math.min(what, 65_536)));
  return { digest: digestOf(bytes, algorithm), mediaType, bytes };
}

/** What a manifest says of something. */
export function describe({ mediaType, digest, bytes }: Content) {
  return { mediaType, digest, size: bytes.length };
}

/** What {@link image} makes; the zero value is an image with a random config and one random layer. */
export interface ImageOptions {
  config?: Content;
  layers?: readonly Content[];
  mediaType?: string;
  algorithm?: Algorithm;
  /** More members of the manifest, or other ones; one that is `undefined` is left out. */
  members?: Record<string, unknown>;
}

/** Makes an image. */
export function image(options: ImageOptions = {}): Pushable {
  const { mediaType = TYPE.manifest, algorithm, members } = options;
  const {
    config = content(`{"architecture":"amd64","os":"linux","seed":"${crypto.randomUUID()}"}`, TYPE.config, algorithm),
    layers = [content(1000, TYPE.layer, algorithm)],
  } = options;
  const json = { schemaVersion: 2, mediaType, config: describe(config), layers: layers.map(describe), ...members };
  return {
    root: content(JSON.stringify(json), mediaType, algorithm),
    blobs: [config, ...layers],
    manifests: [],
  };
}

/** Makes an index of these images, or of nothing. */
export function index(
  images: readonly Pushable[],
  options: Pick<ImageOptions, "mediaType" | "algorithm" | "members"> = {},
): Pushable {
  const { mediaType = TYPE.index, algorithm, members } = options;
  const manifests = images.map(({ root }) => ({ ...describe(root), platform: { os: "linux", architecture: "amd64" } }));
  return {
    root: content(JSON.stringify({ schemaVersion: 2, mediaType, manifests, ...members }), mediaType, algorithm),
    blobs: images.flatMap(({ blobs }) => blobs),
    manifests: images.flatMap((each) => [...each.manifests, each.root]),
  };
}

/** The two bytes that stand for a config or layer where there is none. */
export function emptyJson(algorithm?: Algorithm): Content {
  return content("{}", TYPE.empty, algorithm);
}
