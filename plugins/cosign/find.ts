import { Buffer } from "node:buffer";
import type { AttachedArtifact } from "../../lib/plugin/contract.ts";
import { FormatError } from "../signing/format_error.ts";
import { isObject, type JsonObject, parseStrictObject } from "../signing/strict_json.ts";
import { BUNDLE_TYPES, readBundle } from "./bundle.ts";
import type { CosignSignature, FoundSignature, SignatureFormat } from "./signature.ts";
import { PAYLOAD_TYPE, readSimpleSigning } from "./simple_signing.ts";

/** What cosign 2 gives to signatures that are referrers, as `artifactType` or as the type of the config. */
const REFERRER_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json";

/** How the tag ends by which cosign ties signatures to an image. */
const TAG_SUFFIX = ".sig";

/** A layer, with its annotations, which are in the manifest alone. */
interface Layer {
  mediaType: string;
  annotations: JsonObject;
  /** Absent where it is too large. */
  bytes?: Uint8Array;
}

/** Finds cosign's signatures in all that refers to an image, and reads them. What cannot be read is among them, with the reason. */
export function findSignatures(artifacts: readonly AttachedArtifact[]): FoundSignature[] {
  return artifacts.flatMap((artifact) => {
    const format = formatOf(artifact);
    return format ? readArtifact(artifact, format) : [];
  });
}

function formatOf({ artifactType, tag }: AttachedArtifact): SignatureFormat | undefined {
  if (tag?.endsWith(TAG_SUFFIX)) return "cosign tag";
  if (artifactType === REFERRER_TYPE) return "cosign referrer";
  return BUNDLE_TYPES.includes(artifactType) ? "sigstore bundle" : undefined;
}

function readArtifact(artifact: AttachedArtifact, format: SignatureFormat): FoundSignature[] {
  const { digest } = artifact.descriptor;
  const found = (read: () => CosignSignature): FoundSignature => {
    try {
      return { digest, format, signature: read() };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return { digest, format, failure: error.message };
    }
  };
  const fails = (error: FormatError): FoundSignature[] => [{ digest, format, failure: error.message }];
  const types = format === "sigstore bundle" ? BUNDLE_TYPES : [PAYLOAD_TYPE];
  let layers: Layer[];
  try {
    layers = layersOf(artifact).filter(({ mediaType }) => types.includes(mediaType));
  } catch (error) {
    if (error instanceof FormatError) return fails(error);
    throw error;
  }
  if (layers.length === 0) return fails(new FormatError(`it has no layer of the type ${types[0]}`));
  if (format !== "sigstore bundle") {
    return layers.map(({ bytes, annotations }) => found(() => readSimpleSigning(present(bytes), annotations)));
  }
  return layers.flatMap(({ bytes }) => {
    try {
      return readBundle(present(bytes)).map((read) => found(read));
    } catch (error) {
      if (error instanceof FormatError) return fails(error);
      throw error;
    }
  });
}

function present(bytes: Uint8Array | undefined): Uint8Array {
  if (!bytes) throw new FormatError("it is too large for a signature");
  return bytes;
}

/** The layers by the manifest, with the content that came along. */
function layersOf({ manifest, layers }: AttachedArtifact): Layer[] {
  const json = parseStrictObject(Buffer.from(manifest, "base64"), "the manifest");
  if (!Array.isArray(json.layers)) throw new FormatError("the manifest has no layers");
  const content = new Map(layers.map(({ descriptor, data }) => [descriptor.digest, data]));
  return json.layers.map((layer: unknown) => {
    if (!isObject(layer) || typeof layer.mediaType !== "string" || typeof layer.digest !== "string") {
      throw new FormatError("the manifest has a layer that is no descriptor");
    }
    const data = content.get(layer.digest);
    return {
      mediaType: layer.mediaType,
      annotations: isObject(layer.annotations) ? layer.annotations : {},
      ...(data !== undefined && { bytes: Buffer.from(data, "base64") }),
    };
  });
}
