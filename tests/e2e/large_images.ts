import { digestOf, type Image, makeGadget } from "../harness/mod.ts";

/** An image of one platform with these layers. */
export function imageOf(layers: readonly Uint8Array<ArrayBuffer>[]): Image {
  const { blobs: [config, { mediaType }], manifests: [manifest] } = makeGadget({ architectures: ["amd64"] });
  const blobs = layers.map((bytes) => ({ mediaType, digest: digestOf(bytes), bytes }));
  const json = JSON.parse(new TextDecoder().decode(manifest.bytes));
  json.layers = blobs.map(({ digest, bytes }) => ({ mediaType, digest, size: bytes.length }));
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  const root = { ...manifest, digest: digestOf(bytes), bytes };
  return { root, manifests: [root], blobs: [config, ...blobs] };
}

/** A layer whose parts all differ, made at once. */
export function largeLayer(size: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  const [start] = crypto.getRandomValues(new Uint32Array(1));
  for (let at = 0; at < words.length; at++) words[at] = start + at;
  return new Uint8Array(words.buffer, 0, size);
}
