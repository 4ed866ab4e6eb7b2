import { Buffer } from "node:buffer";
import type { AttachedArtifact } from "../../lib/plugin/contract.ts";
import { FormatError } from "../signing/format_error.ts";
import { isObject, type JsonObject, parseStrictObject } from "../signing/strict_json.ts";
import { isBundleType, readBundle } from "./bundle.ts";
import type { CosignSignature, FoundContent, FoundSignature, SignedContent } from "./signature.ts";
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
    if (mayHaveSignatures(artifact)) yield* readArtifact(artifact, image);
  }
}

function mayHaveSignatures({ artifactType, tag }: AttachedArtifact): boolean {
  return isByTag(tag) || artifactType === REFERRER_TYPE || isBundleType(artifactType);
}

function isByTag(tag: string | undefined): boolean {
  return tag?.endsWith(TAG_SUFFIX) === true;
}

/** What a layer is says its own type: anybody who may give tags could give that of signatures to a bundle. */
function* readArtifact(artifact: AttachedArtifact, image: SignedContent): Generator<FoundSignature> {
  const { descriptor: { digest }, artifactType, tag } = artifact;
  const simple = isByTag(tag) ? "cosign tag" : "cosign referrer";
  const layers = readable(() => layersOf(artifact));
  if (!Array.isArray(layers)) {
    const format = isBundleType(artifactType) ? "sigstore bundle" : simple;
    return yield { digest, format, ...layers };
  }
  for (const layer of layers) {
    if (layer.mediaType === PAYLOAD_TYPE) {
      yield {
        digest,
        format: simple,
        ...readSignature(() => readSimpleSigning(present(layer), layer.annotations)),
      };
      continue;
    }
    for (const content of readBundleLayer(layer, image)) yield { digest, format: "sigstore bundle", ...content };
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

/** The layers that are signatures by the manifest, with the content that came along. */
function layersOf({ manifest, layers }: AttachedArtifact): Layer[] {
  const json = parseStrictObject(Buffer.from(manifest, "base64"), "the manifest");
  if (!Array.isArray(json.layers)) throw new FormatError("the manifest has no layers");
  const content = new Map(layers.map(({ descriptor, data }) => [descriptor.digest, data]));
  const wanted = json.layers.flatMap((layer: unknown): Layer[] => {
    if (!isObject(layer)) throw new FormatError("the manifest has a layer that is no descriptor");
    const { mediaType, digest, annotations } = layer;
    if (typeof mediaType !== "string" || typeof digest !== "string") return [];
    if (mediaType !== PAYLOAD_TYPE && !isBundleType(mediaType)) return [];
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
