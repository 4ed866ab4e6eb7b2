import { Buffer } from "node:buffer";
import type { AttachedArtifact } from "../../lib/plugin/contract.ts";
import { FormatError } from "../signing/format_error.ts";
import { isObject, type JsonObject, parseStrictObject } from "../signing/strict_json.ts";
import { isBundleType, readBundle } from "./bundle.ts";
import type { CosignSignature, FoundContent, FoundSignature, SignatureFormat, SignedContent } from "./signature.ts";
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

/**
 * Finds cosign's signatures in all that refers to an image, and reads them, one after the other as they are asked for. What cannot be read
 * is among them, with the reason.
 */
export function* findSignatures(
  artifacts: readonly AttachedArtifact[],
  image: SignedContent,
): Generator<FoundSignature> {
  for (const artifact of artifacts) {
    const format = formatOf(artifact);
    if (!format) continue;
    const { digest } = artifact.descriptor;
    for (const content of readArtifact(artifact, format, image)) yield { digest, format, ...content };
  }
}

function formatOf({ artifactType, tag }: AttachedArtifact): SignatureFormat | undefined {
  if (tag?.endsWith(TAG_SUFFIX)) return "cosign tag";
  if (artifactType === REFERRER_TYPE) return "cosign referrer";
  return isBundleType(artifactType) ? "sigstore bundle" : undefined;
}

function* readArtifact(
  artifact: AttachedArtifact,
  format: SignatureFormat,
  image: SignedContent,
): Generator<FoundContent> {
  const isBundle = format === "sigstore bundle";
  const isSigned = isBundle ? isBundleType : (mediaType: string) => mediaType === PAYLOAD_TYPE;
  const layers = readable(() => layersOf(artifact, isSigned));
  if (!Array.isArray(layers)) return yield layers;
  for (const layer of layers) {
    if (isBundle) yield* readBundleLayer(layer, image);
    else yield readSignature(() => readSimpleSigning(present(layer), layer.annotations));
  }
}

function* readBundleLayer(layer: Layer, image: SignedContent): Generator<FoundContent> {
  const content = readable(() => readBundle(present(layer), image));
  if (content.kind !== "signatures") return yield content;
  for (const read of content.readers) yield readSignature(read);
}

function readSignature(read: () => CosignSignature): FoundContent {
  return readable(() => ({ kind: "signature", signature: read() }));
}

/** What is read, or why it cannot be. */
function readable<T>(read: () => T): T | { kind: "unreadable"; reason: string } {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { kind: "unreadable", reason: error.message };
  }
}

function present({ bytes }: Layer): Uint8Array {
  if (!bytes) throw new FormatError("it is too large for a signature");
  return bytes;
}

/** The layers of some types by the manifest, with the content that came along. */
function layersOf({ manifest, layers }: AttachedArtifact, isWanted: (mediaType: string) => boolean): Layer[] {
  const json = parseStrictObject(Buffer.from(manifest, "base64"), "the manifest");
  if (!Array.isArray(json.layers)) throw new FormatError("the manifest has no layers");
  const content = new Map(layers.map(({ descriptor, data }) => [descriptor.digest, data]));
  const wanted = json.layers.flatMap((layer: unknown): Layer[] => {
    if (!isObject(layer)) throw new FormatError("the manifest has a layer that is no descriptor");
    const { mediaType, digest, annotations } = layer;
    if (typeof mediaType !== "string" || typeof digest !== "string" || !isWanted(mediaType)) return [];
    const data = content.get(digest);
    return [{
      mediaType,
      annotations: isObject(annotations) ? annotations : {},
      ...(data !== undefined && { bytes: Buffer.from(data, "base64") }),
    }];
  });
  if (wanted.length === 0) throw new FormatError("the manifest has no layer that is a signature");
  return wanted;
}
