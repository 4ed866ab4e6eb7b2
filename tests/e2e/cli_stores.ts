import { join } from "node:path";
import { type Blob, type Image, succeed } from "../harness/mod.ts";

/** What `store` has in `index.json` for an image. */
export interface Entry {
  image: Image;
  /** `org.opencontainers.image.ref.name`; without it the image has no name. */
  name?: string;
}

/** Writes a store as `ig` would have it: an image layout whose index lists every manifest. */
export async function writeStore(folder: string, entries: readonly Entry[]): Promise<void> {
  await Deno.mkdir(join(folder, "blobs/sha256"), { recursive: true });
  await Deno.writeTextFile(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const manifests: unknown[] = [];
  for (const { image, name } of entries) {
    for (const blob of [...image.blobs, ...image.manifests]) {
      await Deno.writeFile(join(folder, "blobs/sha256", blob.digest.slice("sha256:".length)), blob.bytes);
    }
    const annotations = name === undefined ? {} : { annotations: { "org.opencontainers.image.ref.name": name } };
    manifests.push({ ...describe(image.root), ...annotations });
    manifests.push(...children(image));
  }
  const mediaType = "application/vnd.oci.image.index.v1+json";
  await Deno.writeTextFile(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
}

/** Unpacks the store that the real `ig` wrote (tests/fixtures/ig-store.tar) below a folder, and returns its path. */
export async function unpackIgStore(folder: string): Promise<string> {
  const archive = new URL("../fixtures/ig-store.tar", import.meta.url).pathname;
  await succeed("tar", ["xf", archive, "-C", folder]);
  return join(folder, "oci-store");
}

function describe({ mediaType, digest, bytes }: Blob) {
  return { mediaType, digest, size: bytes.length };
}

/** The entries of an index's manifests, with the platform that the index gives them. */
function children({ root }: Image): unknown[] {
  const { manifests } = JSON.parse(new TextDecoder().decode(root.bytes)) as { manifests?: unknown[] };
  return manifests ?? [];
}
