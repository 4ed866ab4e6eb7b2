import { join } from "node:path";
import { type Blob, digestOf, type Image } from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

/** The gadgets that the real `ig` built, see tests/fixtures/gadgets/README.md. */
export const GADGETS = [
  "ebpf-and-wasm",
  "ebpf-no-metadata",
  "escapes",
  "kinds",
  "metadata-only",
  "params",
  "snap-iter",
  "top-mapiter",
  "trace-perf",
  "trace-ringbuf",
  "wasm-only",
] as const;

/** The name of a recorded gadget. */
export type GadgetName = (typeof GADGETS)[number];

const FIXTURES = new URL("../fixtures/gadgets", import.meta.url).pathname;

/** The folder of a recorded gadget. */
export function gadgetFolder(name: GadgetName): string {
  return join(FIXTURES, name);
}

/** An image as the real `ig` made it, byte for byte, of what is recorded: manifests, configs, objects, modules. */
export function recordedGadget(name: GadgetName): Image {
  const folder = gadgetFolder(name);
  const index = readJson(join(folder, "image/index.json"));
  const files = new Map(
    filesBelow(folder).map((path) => {
      const bytes = Deno.readFileSync(path);
      return [digestOf(bytes), bytes];
    }),
  );
  const take = ({ digest, mediaType }: Described): Blob => {
    const bytes = files.get(digest) ?? (digest === digestOf(EMPTY) ? EMPTY : undefined);
    if (!bytes) throw new Error(`${name}: ${digest} is not recorded`);
    return { digest, mediaType, bytes };
  };
  const manifests = index.json.manifests!.map(take);
  const blobs = manifests.flatMap(({ bytes }) => {
    const { config, layers = [] } = JSON.parse(new TextDecoder().decode(bytes)) as ManifestJson;
    return [config!, ...layers].map(take);
  });
  const root = { digest: digestOf(index.bytes), mediaType: index.json.mediaType, bytes: index.bytes };
  return { root, manifests: [...once(manifests), root], blobs: once(blobs) };
}

interface Described {
  digest: string;
  mediaType: string;
}

interface ManifestJson {
  mediaType: string;
  manifests?: Described[];
  config?: Described;
  layers?: Described[];
}

/** The config of what has none. */
const EMPTY = new TextEncoder().encode("{}");

function readJson(path: string): { bytes: Uint8Array<ArrayBuffer>; json: ManifestJson } {
  const bytes = Deno.readFileSync(path);
  return { bytes, json: JSON.parse(new TextDecoder().decode(bytes)) };
}

function filesBelow(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(join(folder, name)) : [join(folder, name)]
  );
}

function once(blobs: readonly Blob[]): Blob[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

/** Writes a store with all recorded gadgets below a folder, and returns its path. */
export async function gadgetStore(folder: string): Promise<string> {
  const store = join(folder, "gadgets");
  await writeStore(
    store,
    GADGETS.map((name) => ({ image: recordedGadget(name), name: `ghcr.io/inspektor-gadget/gadget/${name}:latest` })),
  );
  return store;
}
