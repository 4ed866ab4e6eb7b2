import { readVerified } from "../../lib/content/mod.ts";
import { type ErrorCode, SatchelError } from "../../lib/error.ts";
import { MAX_WASM_SIZE } from "../../lib/gadget/inspect/wasm.ts";
import { GADGET_CONFIG_TYPE, LAYER_TYPES } from "../../lib/gadget/media_types.ts";
import { MAX_OBJECT_SIZE } from "../../lib/gadget/object/object.ts";
import type { Descriptor } from "../../lib/oci/mod.ts";
import type { OpenedImage } from "./open_image.ts";
import type { ReadManifest } from "./read_image.ts";

/** The largest config that is read, in bytes; a container's may have some hundred kB. */
const MAX_CONFIG = 4 * 1024 * 1024;

/** What is wrong with content, and not with the way to it. */
const CONTENT_ERRORS: readonly ErrorCode[] = ["not-found", "integrity", "invalid"];

/** What of a manifest's content is looked into. */
export interface ImageParts {
  config: Uint8Array | undefined;
  /** The config, if it is a gadget.yaml. */
  metadata: Uint8Array | undefined;
  ebpf: Uint8Array | undefined;
  wasm: Uint8Array | undefined;
  /** Layers that would have been looked into, but were not fetched. */
  unread: Descriptor[];
}

/**
 * Reads the config of a manifest, and the layers of a gadget.
 *
 * @param withLayers whether the layers are read as well
 * @param onProblem gets the errors of content that is missing, damaged or too large. Default: they are thrown
 * @throws {SatchelError} `invalid` for content that is too large, and whatever the source throws
 */
export async function readParts(
  { source, name }: OpenedImage,
  { manifest }: ReadManifest,
  withLayers: boolean,
  signal: AbortSignal,
  onProblem?: (problem: SatchelError) => void,
): Promise<ImageParts> {
  const read = async (descriptor: Descriptor | undefined, limit: number) => {
    if (!descriptor) return undefined;
    try {
      return await readVerified(source.fetch(descriptor, { signal }), descriptor, limit);
    } catch (error) {
      if (!(error instanceof SatchelError) || !CONTENT_ERRORS.includes(error.code)) throw error;
      const problem = error.code === "not-found" ? incomplete(name, error) : error;
      if (!onProblem) throw problem;
      onProblem(problem);
      return undefined;
    }
  };
  const [config, ...layers] = manifest.kind === "image" ? manifest.children : [undefined];
  const ebpf = layers.find((layer) => layer?.mediaType === LAYER_TYPES.ebpf);
  const wasm = layers.find((layer) => layer?.mediaType === LAYER_TYPES.wasm);
  const bytes = await read(config, MAX_CONFIG);
  return {
    config: bytes,
    metadata: config?.mediaType === GADGET_CONFIG_TYPE ? bytes : undefined,
    ebpf: withLayers ? await read(ebpf, MAX_OBJECT_SIZE) : undefined,
    wasm: withLayers ? await read(wasm, MAX_WASM_SIZE) : undefined,
    unread: withLayers ? [] : [ebpf, wasm].filter((layer) => layer !== undefined),
  };
}

function incomplete(name: string, error: SatchelError): SatchelError {
  return new SatchelError("not-found", `${name} is incomplete: ${error.message}`, { hint: error.hint, cause: error });
}
