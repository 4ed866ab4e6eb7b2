import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { decodeBase64 } from "../signing/base64.ts";
import { FormatError, quoted } from "../signing/format_error.ts";
import { isObject, type JsonObject, parseStrictObject, refuseUnknown } from "../signing/strict_json.ts";
import { readEnvelope, readEnvelopeSignature, readStatement, SIGN_PREDICATE } from "./dsse.ts";
import type { BundleMaterial, CosignSignature, SignedContent } from "./signature.ts";

/** The media types of Sigstore bundles, whatever their version. */
const ANY_BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v[\d.]+\+json|\+json;version=[\d.]+)$/;

/** The two ways to write the version that is read: 0.3. */
const BUNDLE_0_3 = [
  "application/vnd.dev.sigstore.bundle.v0.3+json",
  "application/vnd.dev.sigstore.bundle+json;version=0.3",
];

/** What a bundle is made of: bundle 0.3 of `sigstore/protobuf-specs`. */
const MEMBERS = ["mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature"];
const MATERIAL = ["publicKey", "certificate", "tlogEntries", "timestampVerificationData"];

/** What there is in a bundle: signatures, each with its reader, or an attestation, which signs no image. */
export type BundleContent =
  | { kind: "signatures"; readers: (() => CosignSignature)[] }
  | { kind: "attestation"; predicateType: string };

/** Whether a media type is that of a Sigstore bundle. */
export function isBundleType(mediaType: string): boolean {
  return ANY_BUNDLE.test(mediaType);
}

/**
 * Reads a Sigstore bundle. What is not known of it is refused, as the maker's own readers do.
 *
 * @param image what a message signature is over
 * @throws {FormatError} if it is not what the format says
 */
export function readBundle(bytes: Uint8Array, image: SignedContent): BundleContent {
  const bundle = parseStrictObject(bytes, "the bundle");
  refuseUnknown(bundle, MEMBERS, "the bundle");
  const { mediaType, dsseEnvelope, messageSignature } = bundle;
  if (typeof mediaType !== "string" || !BUNDLE_0_3.includes(mediaType)) {
    throw new FormatError(`the bundle is of the type ${quoted(mediaType)}, and version 0.3 is read`);
  }
  const certificate = readMaterial(bundle);
  if ((dsseEnvelope === undefined) === (messageSignature === undefined)) {
    throw new FormatError("the bundle has to have either an envelope or a message signature");
  }
  if (messageSignature !== undefined) {
    return { kind: "signatures", readers: [() => readMessageSignature(messageSignature, image, certificate)] };
  }
  return readEnvelopeOf(dsseEnvelope, certificate);
}

/** The certificate with its proofs, if there is one; what a key is called there is a hint that nobody has signed. */
function readMaterial(bundle: JsonObject): BundleMaterial | undefined {
  const { verificationMaterial: material } = bundle;
  if (!isObject(material)) throw new FormatError("the bundle has no verificationMaterial");
  refuseUnknown(material, MATERIAL, '"verificationMaterial"');
  const { publicKey, certificate } = material;
  if ((publicKey === undefined) === (certificate === undefined)) {
    throw new FormatError("the bundle has to have either a public key or a certificate");
  }
  return certificate === undefined ? undefined : { kind: "bundle", bundle };
}

function readEnvelopeOf(dsseEnvelope: unknown, certificate: BundleMaterial | undefined): BundleContent {
  if (!isObject(dsseEnvelope)) throw new FormatError("the envelope is no object");
  const { signed, payload, signatures } = readEnvelope(dsseEnvelope);
  const { predicateType, claims } = readStatement(payload);
  if (predicateType !== SIGN_PREDICATE) return { kind: "attestation", predicateType };
  // A certificate has one key, and its proofs are about one signature.
  if (certificate && signatures.length > 1) {
    throw new FormatError("the bundle has a certificate and several signatures");
  }
  const readers = signatures.map((each) => (): CosignSignature => ({
    signed,
    signature: readEnvelopeSignature(each),
    claims,
    ...(certificate && { certificate }),
  }));
  return { kind: "signatures", readers };
}

/** A signature over the manifest of the image itself: it says nothing but that. */
function readMessageSignature(
  json: unknown,
  { digest, manifest }: SignedContent,
  certificate: BundleMaterial | undefined,
): CosignSignature {
  if (!isObject(json)) throw new FormatError("the message signature is no object");
  refuseUnknown(json, ["messageDigest", "signature"], "the message signature");
  const signature = decodeBase64(json.signature, "the message signature");
  if (!manifest) throw new FormatError("it is over the image's manifest, which is not at hand");
  const { messageDigest } = json;
  if (messageDigest !== undefined) {
    if (!isObject(messageDigest)) throw new FormatError("the digest of the message is no object");
    refuseUnknown(messageDigest, ["algorithm", "digest"], "the digest of the message");
    const wanted = decodeBase64(messageDigest.digest, "the digest of the message");
    if (!Buffer.from(wanted).equals(hashOf(manifest, messageDigest.algorithm))) {
      throw new FormatError("it is for another image");
    }
  }
  return {
    signed: manifest,
    signature,
    claims: [{ digests: [digest], annotations: {} }],
    ...(certificate && { certificate }),
  };
}

/** By the names of `sigstore_common.proto`, "HashAlgorithm". */
function hashOf(content: Uint8Array, algorithm: unknown): Uint8Array {
  const name = typeof algorithm === "string" ? /^SHA2_(256|384|512)$/.exec(algorithm)?.[1] : undefined;
  if (name === undefined) throw new FormatError(`the digest of the message is by ${quoted(algorithm)}`);
  return createHash(`sha${name}`).update(content).digest();
}
