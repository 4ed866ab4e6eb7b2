import { readGadgetMetadata } from "../metadata/lenient.ts";
import { type EbpfObject, readEbpfObject } from "../object/object.ts";
import type { GadgetParts } from "./contents.ts";

const GADGETS = new URL("../../../tests/fixtures/gadgets/", import.meta.url);

/** The gadgets that there are sources and images of. */
export const GADGET_NAMES = [...Deno.readDirSync(GADGETS)].filter(({ isDirectory }) => isDirectory).map(({ name }) =>
  name
)
  .sort();

/** Those that have an eBPF object. */
export const OBJECT_NAMES = GADGET_NAMES.filter((name) => read(`${name}/objects/amd64.bpf.o`));

function read(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(new URL(path, GADGETS));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The image that the real `ig` built, as it is in a store. */
export function imageOf(name: string, architecture = "amd64"): GadgetParts {
  return {
    manifest: read(`${name}/image/manifest-${architecture}.json`)!,
    config: read(`${name}/image/config.yaml`) ?? read(`${name}/image/config.json`),
    ebpf: read(`${name}/objects/${architecture}.bpf.o`),
    wasm: read(`${name}/source/program.wasm`),
    repository: name,
    tag: "latest",
  };
}

export function objectOf(name: string, architecture = "amd64"): EbpfObject {
  return readEbpfObject(imageOf(name, architecture).ebpf!, name);
}

export function metadataOf(name: string) {
  const { config } = imageOf(name);
  return config && readGadgetMetadata(config);
}
