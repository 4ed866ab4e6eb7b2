import { decodeBase64 } from "../signing/base64.ts";
import { FormatError, quoted } from "../signing/format_error.ts";
import { isObject, type JsonObject, parseStrictObject, refuseUnknown } from "../signing/strict_json.ts";
import type { AnnotationMaterial, Claim, CosignSignature } from "./signature.ts";

/** The media type of what is signed, by cosign's specification of signatures. */
export const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

/** What `critical.type` says in a signature of cosign's. */
export const SIGNATURE_TYPE = "cosign container image signature";

/** The annotation of the layer that has the signature, base64. */
export const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";

/**
 * Reads a layer that was signed as "simple signing" (containers/image, "signature formats").
 *
 * @throws {FormatError} if it is not what the format says
 */
export function readSimpleSigning(payload: Uint8Array, annotations: JsonObject): CosignSignature {
  const certificate = materialOf(annotations);
  return {
    signed: payload,
    signature: decodeBase64(annotations[SIGNATURE_ANNOTATION], `the annotation ${SIGNATURE_ANNOTATION}`),
    claims: [readPayload(payload)],
    ...(certificate && { certificate }),
  };
}

/** All that is in `critical` has to be understood, so what is not known is refused. */
function readPayload(payload: Uint8Array): Claim {
  const json = parseStrictObject(payload, "the payload");
  refuseUnknown(json, ["critical", "optional"], "the payload");
  const critical = objectIn(json, "critical", "the payload");
  refuseUnknown(critical, ["identity", "image", "type"], '"critical"');
  if (critical.type !== SIGNATURE_TYPE) {
    throw new FormatError(`the payload is of the type ${quoted(critical.type)}, not ${quoted(SIGNATURE_TYPE)}`);
  }
  const image = objectIn(critical, "image", '"critical"');
  refuseUnknown(image, ["docker-manifest-digest"], '"image"');
  const identity = objectIn(critical, "identity", '"critical"');
  refuseUnknown(identity, ["docker-reference"], '"identity"');
  const { optional } = json;
  if (optional !== undefined && optional !== null && !isObject(optional)) {
    throw new FormatError('"optional" in the payload is no object');
  }
  return {
    digests: [textIn(image, "docker-manifest-digest")],
    name: textIn(identity, "docker-reference"),
    annotations: optional ?? {},
  };
}

function objectIn(object: JsonObject, name: string, what: string): JsonObject {
  const value = object[name];
  if (!isObject(value)) throw new FormatError(`${what} has no object ${quoted(name)}`);
  return value;
}

function textIn(object: JsonObject, name: string): string {
  const value = object[name];
  if (typeof value !== "string") throw new FormatError(`the payload has no text ${quoted(name)}`);
  return value;
}

function materialOf(annotations: JsonObject): AnnotationMaterial | undefined {
  const text = (name: string) => {
    const value = annotations[`dev.sigstore.cosign/${name}`];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const certificate = text("certificate");
  if (certificate === undefined) return undefined;
  return {
    kind: "annotations",
    certificate,
    chain: text("chain"),
    logBundle: text("bundle"),
    timestamp: text("rfc3161timestamp"),
  };
}
