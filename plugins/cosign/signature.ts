import type { JsonObject } from "../signing/strict_json.ts";

/** A signature of cosign's, read and not judged yet. */
export interface CosignSignature {
  /** What the signature is over. */
  signed: Uint8Array;
  signature: Uint8Array;
  /** What has been signed says this, if the signature is good: one for each thing that it is about. */
  claims: readonly Claim[];
  /** The certificate of the key and the proofs that came along; absent where there is none but the key that the verifier has. */
  certificate?: CertificateMaterial;
}

/** The image, as what a signature may be over. */
export interface SignedContent {
  digest: string;
  /** Its manifest; absent if it was not asked for, which is an older satchel's doing. */
  manifest?: Uint8Array;
}

/** What a signature says of an image. */
export interface Claim {
  /** The digests (`sha256:<hex>`) of the image, by one algorithm or several. */
  digests: readonly string[];
  /** The name that was signed, where there is one. */
  name?: string;
  /** Whatever the signer has put in; values of other kinds than text are possible. */
  annotations: JsonObject;
}

/** What says by whom and when something was signed, as it came along and unchecked. */
export type CertificateMaterial = BundleMaterial | AnnotationMaterial;

/** A Sigstore bundle: its verification material is a certificate. */
export interface BundleMaterial {
  kind: "bundle";
  /** The whole bundle, JSON without members that are there twice. */
  bundle: JsonObject;
}

/** What cosign 2 puts into the annotations of a layer: `dev.sigstore.cosign/...`. */
export interface AnnotationMaterial {
  kind: "annotations";
  /** `certificate`, PEM. */
  certificate: string;
  /** `chain`, PEM: the authorities, from that of the certificate to the root. */
  chain?: string;
  /** `bundle`, JSON: the promise of the transparency log, with the entry. */
  logBundle?: string;
  /** `rfc3161timestamp`, JSON. */
  timestamp?: string;
}

/** A signature as it was found: what it says, why it cannot be read, or that it is an attestation, which signs no image. */
export type FoundSignature = FoundAt & FoundContent;

interface FoundAt {
  /** The manifest that has it. */
  digest: string;
  format: SignatureFormat;
}

/** What there is in the place of a signature. */
export type FoundContent =
  | { kind: "signature"; signature: CosignSignature }
  | { kind: "unreadable"; reason: string }
  | { kind: "attestation"; predicateType: string };

/** How cosign keeps signatures. */
export type SignatureFormat = "cosign tag" | "cosign referrer" | "sigstore bundle";

/** What is known of one signature when it has been judged. */
export interface Judgement {
  isGood: boolean;
  /** By whom it is, or why it is not good. */
  reason: string;
  /** More for `-o json`: the key, the identity, times. */
  details?: JsonDetails;
}

/** JSON, for evidence. */
export type JsonDetails = { readonly [name: string]: string | number | boolean | null | JsonDetails };
