import { Buffer } from "node:buffer";
import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { AttachedArtifact, VerifyAnswer, VerifyRequest, VerifyTrust } from "../../lib/plugin/contract.ts";
import { ed25519ph } from "@noble/curves/ed25519.js";
import { type HashName, signEcdsa } from "../signing/ecdsa.ts";
import { preAuthenticationEncoding } from "./dsse.ts";
import { verify } from "./verify.ts";

/** A key pair, with how it signs. */
export interface Signer {
  /** PEM, PKIX. */
  publicKey: string;
  key: KeyObject;
  sign(bytes: Uint8Array): Uint8Array;
}

/** The image that signatures are about. */
const MANIFEST = Buffer.from('{"schemaVersion":2,"layers":[]}');
export const IMAGE = {
  reference: "registry.example.org/team/app:v1",
  repository: "registry.example.org/team/app",
  digest: digestOf(MANIFEST),
  manifest: MANIFEST,
};

export const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

export function digestOf(bytes: Uint8Array, algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** Makes a key pair on a curve, which signs over a hash. */
export function ecdsa(namedCurve = "P-256", hash: HashName = "sha256"): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
  // Deno's crypto has no SHA-256 for P-521.
  if (namedCurve === "P-521" && hash === "sha256") {
    return signer(publicKey, (bytes) => signEcdsa({ key: privateKey, public: publicKey }, bytes, hash));
  }
  return signer(publicKey, (bytes) => sign(hash, bytes, privateKey));
}

/** RSA keys take long to make, so there are two. */
const RSA_PAIRS = new Map<number, { publicKey: KeyObject; privateKey: KeyObject }>();

/** An RSA key pair, one of two, with how it signs. */
export function rsa(
  hash = "sha256",
  padding: "pkcs1" | "pss" = "pkcs1",
  saltLength?: number,
  which: 1 | 2 = 1,
): Signer {
  const pair = RSA_PAIRS.get(which) ?? generateKeyPairSync("rsa", { modulusLength: 2048 });
  RSA_PAIRS.set(which, pair);
  const how = padding === "pkcs1" ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  return signer(pair.publicKey, (bytes) => sign(hash, bytes, { key: pair.privateKey, ...how }));
}

/** Makes an Ed25519 key pair, which signs what it gets, or its hash as cosign 3 does. */
export function ed25519(prehashed = false): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const secret = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
  return signer(publicKey, (bytes) => prehashed ? ed25519ph.sign(bytes, secret) : sign(null, bytes, privateKey));
}

function signer(key: KeyObject, sign: Signer["sign"]): Signer {
  return { publicKey: String(key.export({ format: "pem", type: "spki" })), key, sign };
}

/** What cosign 2 signs for an image; `changes` are made to it before. */
export function payloadFor(digest = IMAGE.digest, optional: unknown = null): PayloadJson {
  return {
    critical: {
      identity: { "docker-reference": IMAGE.repository },
      image: { "docker-manifest-digest": digest },
      type: "cosign container image signature",
    },
    optional,
  };
}

export interface PayloadJson {
  critical: Record<string, unknown>;
  optional: unknown;
}

/** A layer of a signature's manifest. */
export interface Layer {
  mediaType: string;
  bytes: Uint8Array;
  annotations?: Record<string, string>;
}

/** A layer as cosign 2 signs it: JSON, or bytes as they are. */
export function simpleSigning(
  signer: Signer,
  payload: unknown = payloadFor(),
  changes: Record<string, string> = {},
): Layer {
  const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
  const signature = Buffer.from(signer.sign(bytes)).toString("base64");
  return {
    mediaType: PAYLOAD_TYPE,
    bytes,
    annotations: { "dev.cosignproject.cosign/signature": signature, ...changes },
  };
}

/** Layers under the tag by which cosign ties signatures to an image. */
export function tagged(...layers: Layer[]): AttachedArtifact {
  return { ...artifact(layers, ""), tag: `${IMAGE.digest.replace(":", "-")}.sig` };
}

/** Layers in a manifest that refers to an image. */
export function referrer(artifactType: string, ...layers: Layer[]): AttachedArtifact {
  return artifact(layers, artifactType);
}

function artifact(layers: readonly Layer[], artifactType: string): AttachedArtifact {
  const descriptors = layers.map(({ mediaType, bytes, annotations }) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
    ...(annotations && { annotations }),
  }));
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, layers: descriptors }));
  return {
    descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length },
    artifactType,
    manifest: manifest.toString("base64"),
    layers: layers.map(({ bytes }, index) => {
      const { mediaType, digest, size } = descriptors[index];
      return { descriptor: { mediaType, digest, size }, data: Buffer.from(bytes).toString("base64") };
    }),
  };
}

/** What cosign 3 signs for an image. */
export function statementFor(digest = IMAGE.digest, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const [algorithm, hex] = digest.split(":");
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { [algorithm]: hex } }],
    predicateType: "https://sigstore.dev/cosign/sign/v1",
    predicate: {},
    ...changes,
  };
}

/** JSON of a bundle, whose parts a test may change. */
export type BundleJson = Record<string, unknown>;

/** A bundle with an envelope, signed by each of some keys. */
export function envelopeBundle(
  signers: readonly Signer[],
  statement: unknown = statementFor(),
  payloadType = "application/vnd.in-toto+json",
): BundleJson & { dsseEnvelope: { signatures: unknown[] } & Record<string, unknown> } {
  const payload = statement instanceof Uint8Array ? statement : Buffer.from(JSON.stringify(statement));
  const signed = preAuthenticationEncoding(payloadType, payload);
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: "any" } },
    dsseEnvelope: {
      payload: Buffer.from(payload).toString("base64"),
      payloadType,
      signatures: signers.map((signer) => ({ sig: Buffer.from(signer.sign(signed)).toString("base64") })),
    },
  };
}

/** A bundle with a signature over a manifest. */
export function messageBundle(signer: Signer, manifest: Uint8Array = IMAGE.manifest): BundleJson {
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: "any" } },
    messageSignature: {
      messageDigest: {
        algorithm: "SHA2_256",
        digest: createHash("sha256").update(manifest).digest("base64"),
      },
      signature: Buffer.from(signer.sign(manifest)).toString("base64"),
    },
  };
}

/** A bundle as a referrer of the image: JSON, or bytes as they are. */
export function bundled(bundle: BundleJson | Uint8Array): AttachedArtifact {
  const bytes = bundle instanceof Uint8Array ? bundle : Buffer.from(JSON.stringify(bundle));
  return referrer(BUNDLE_TYPE, { mediaType: BUNDLE_TYPE, bytes });
}

/** What the plugin says of artifacts. */
export async function judge(
  artifacts: readonly AttachedArtifact[],
  trust: VerifyTrust,
  changes: Partial<VerifyRequest> = {},
): Promise<VerifyAnswer> {
  return await verify({
    reference: IMAGE.reference,
    subject: { mediaType: OCI_MANIFEST, digest: IMAGE.digest, size: IMAGE.manifest.length },
    manifest: IMAGE.manifest.toString("base64"),
    artifacts,
    trust,
    ...changes,
  });
}

/** The fate of each signature, in a word or as the reason why it is not good. */
export function fates({ evidence }: VerifyAnswer): string[] {
  return evidence.map((each) => {
    const { isGood, reason } = each as { isGood: boolean; reason: string };
    return isGood ? "good" : reason;
  });
}
