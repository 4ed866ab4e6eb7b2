import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { AttachedArtifact, VerifyAnswer, VerifyTrust } from "../../../lib/plugin/contract.ts";
import {
  type CertifyOptions,
  type KeyPair,
  type LogEntryJson,
  makeKeyPair,
  makeSigstore,
  pemOf,
  PERSON,
  PROVIDER,
  SIGNING_TIME,
  type Sigstore,
  type TrustedRootJson,
} from "../../../tests/harness/sigstore/mod.ts";
import { BUNDLE_TYPE, bundled, IMAGE, judge, payloadFor, simpleSigning, statementFor, tagged } from "../_testing.ts";
import { preAuthenticationEncoding } from "../dsse.ts";

export const STATEMENT_TYPE = "application/vnd.in-toto+json";

/** The kinds of entries, of the first version where none is named. */
export const ENTRY_KINDS = ["dsse", "hashedrekord", "intoto", "dsse 0.0.2", "hashedrekord 0.0.2"] as const;

/** How somebody signs the image without a key that others know. */
export interface SignOptions {
  sigstore: Sigstore;
  certificate?: CertifyOptions;
  /** When the log and the timestamp authority say it was. */
  at?: Date;
  /** What is signed, in the place of a statement about the image. */
  statement?: unknown;
  /** What proves it. Default: an entry in the log. */
  proofs?: readonly ("entry" | "timestamp")[];
  /** How the entry in the log is made. Default: `dsse`. */
  kind?: (typeof ENTRY_KINDS)[number];
  /** Whose certificate is in the entry, in the place of the one that signs. */
  loggedCertificate?: Uint8Array;
  /** What the entry says was signed, in the place of what was. */
  loggedContent?: Uint8Array;
  /** Who signs. Default: a key on P-256. */
  key?: Pick<KeyPair, "spki" | "sign">;
  /** The hash in entries of the kind `hashedrekord`. Default: SHA-256. */
  hash?: Hash;
}

type Hash = "sha256" | "sha384" | "sha512";

/** JSON of a bundle with a certificate. */
export interface CertifiedBundle {
  mediaType: string;
  verificationMaterial: {
    certificate: { rawBytes: string };
    tlogEntries: LogEntryJson[];
    timestampVerificationData: { rfc3161Timestamps: { signedTimestamp: string }[] };
  };
  dsseEnvelope?: { payload: string; payloadType: string; signatures: { sig: string }[] };
  messageSignature?: unknown;
}

/** Signs a statement about the image, as `cosign sign` without a key does. */
export function certifiedBundle(options: SignOptions): CertifiedBundle {
  const { sigstore, at = SIGNING_TIME, proofs = ["entry"], kind = "dsse", statement = statementFor() } = options;
  const { key = makeKeyPair(), hash } = options;
  const certificate = sigstore.certify(key, options.certificate);
  const payload = Buffer.from(JSON.stringify(statement));
  const signed = preAuthenticationEncoding(STATEMENT_TYPE, payload);
  const signature = key.sign(signed);
  const logged = options.loggedCertificate ?? certificate;
  const content = { signed: options.loggedContent ?? signed, payload: options.loggedContent ?? payload };
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: {
      certificate: { rawBytes: certificate.toString("base64") },
      tlogEntries: proofs.includes("entry")
        ? [entryFor({ sigstore, kind, ...content, signature, logged, at, hash })]
        : [],
      timestampVerificationData: {
        rfc3161Timestamps: proofs.includes("timestamp")
          ? [{ signedTimestamp: sigstore.timestamps.stamp(signature, at).toString("base64") }]
          : [],
      },
    },
    dsseEnvelope: {
      payload: payload.toString("base64"),
      payloadType: STATEMENT_TYPE,
      signatures: [{ sig: signature.toString("base64") }],
    },
  };
}

/** Signs the manifest of the image itself. */
export function certifiedMessage({ sigstore, at = SIGNING_TIME }: SignOptions): CertifiedBundle {
  const key = makeKeyPair();
  const signed = IMAGE.manifest;
  const signature = key.sign(signed);
  const logged = sigstore.certify(key);
  const entry = entryFor({ sigstore, kind: "hashedrekord", signed, payload: signed, signature, logged, at });
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: {
      certificate: { rawBytes: logged.toString("base64") },
      tlogEntries: [entry],
      timestampVerificationData: { rfc3161Timestamps: [] },
    },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: sha256(signed).toString("base64") },
      signature: signature.toString("base64"),
    },
  };
}

interface Logged {
  sigstore: Sigstore;
  kind: NonNullable<SignOptions["kind"]>;
  signed: Uint8Array;
  payload: Uint8Array;
  signature: Buffer;
  logged: Uint8Array;
  at: Date;
  hash?: Hash;
}

/** An entry as Rekor 1 and 2 make them. */
export function entryFor(
  { sigstore, kind, signed, payload, signature, logged, at, hash = "sha256" }: Logged,
): LogEntryJson {
  const sig = signature.toString("base64");
  const pem = Buffer.from(pemOf(logged)).toString("base64");
  const verifier = {
    keyDetails: "PKIX_ECDSA_P256_SHA_256",
    x509Certificate: { rawBytes: Buffer.from(logged).toString("base64") },
  };
  const hashOf = (bytes: Uint8Array) => ({ algorithm: "sha256", value: sha256(bytes).toString("hex") });
  const digestOf = (bytes: Uint8Array) => ({ algorithm: "SHA2_256", digest: sha256(bytes).toString("base64") });
  switch (kind) {
    case "dsse": {
      const spec = { payloadHash: hashOf(payload), signatures: [{ signature: sig, verifier: pem }] };
      return sigstore.log.add({ apiVersion: "0.0.1", kind: "dsse", spec }, at);
    }
    case "hashedrekord": {
      const value = createHash(hash).update(signed).digest("hex");
      const spec = {
        data: { hash: { algorithm: hash, value } },
        signature: { content: sig, publicKey: { content: pem } },
      };
      return sigstore.log.add({ apiVersion: "0.0.1", kind: "hashedrekord", spec }, at);
    }
    case "intoto": {
      const envelope = {
        payloadType: STATEMENT_TYPE,
        signatures: [{ publicKey: pem, sig: Buffer.from(sig).toString("base64") }],
      };
      const spec = { content: { envelope, payloadHash: hashOf(payload) } };
      return sigstore.log.add({ apiVersion: "0.0.2", kind: "intoto", spec }, at);
    }
    case "dsse 0.0.2": {
      const spec = { dsseV002: { payloadHash: digestOf(payload), signatures: [{ content: sig, verifier }] } };
      return sigstore.rekor2.add({ apiVersion: "0.0.2", kind: "dsse", spec }, at);
    }
    case "hashedrekord 0.0.2": {
      const spec = { hashedRekordV002: { data: digestOf(signed), signature: { content: sig, verifier } } };
      return sigstore.rekor2.add({ apiVersion: "0.0.2", kind: "hashedrekord", spec }, at);
    }
  }
}

/** A signature as cosign 2 attaches it without a key that others know, and what its annotations have. */
export function annotated(
  sigstore: Sigstore,
  changes: (annotations: Record<string, string>, signature: Buffer) => Record<string, string> = (each) => each,
  options: { certificate?: CertifyOptions; payload?: unknown; key?: KeyPair } = {},
): AttachedArtifact {
  const key = options.key ?? makeKeyPair();
  const certificate = sigstore.certify(key, options.certificate);
  const payload = Buffer.from(JSON.stringify(options.payload ?? payloadFor()));
  const signature = key.sign(payload);
  const { logIndex, logId, integratedTime, inclusionPromise, canonicalizedBody } = entryFor({
    ...{ sigstore, kind: "hashedrekord", signed: payload, payload, signature, logged: certificate, at: SIGNING_TIME },
  });
  const annotations = {
    "dev.sigstore.cosign/certificate": pemOf(certificate),
    "dev.sigstore.cosign/chain": sigstore.authorities.map((each) => pemOf(each)).join(""),
    "dev.sigstore.cosign/bundle": JSON.stringify({
      SignedEntryTimestamp: inclusionPromise?.signedEntryTimestamp,
      Payload: {
        body: canonicalizedBody,
        integratedTime: Number(integratedTime),
        logIndex: Number(logIndex),
        logID: Buffer.from(logId.keyId, "base64").toString("hex"),
      },
    }),
  };
  const signer = { publicKey: "", key: key.publicKey, sign: () => signature };
  return tagged(simpleSigning(signer, payload, changes(annotations, signature)));
}

/** Who is trusted: {@link PERSON} as {@link PROVIDER} says, by a Sigstore. */
export function trusting(
  sigstore: Sigstore,
  changes: (root: TrustedRootJson) => unknown = (root) => root,
  identity: NonNullable<VerifyTrust["identities"]>[number] = { subject: PERSON.email, issuer: PROVIDER },
): VerifyTrust {
  return { identities: [identity], trustedRoot: JSON.stringify(changes(sigstore.trustedRoot())) };
}

/** What becomes of one bundle: `good`, or the reason why not. */
export async function fateOf(bundle: CertifiedBundle, trust: VerifyTrust): Promise<string> {
  return fate(await judge([bundled(bundle as unknown as Record<string, unknown>)], trust));
}

/** What becomes of an image with one signature. */
export function fate({ verdict, reason }: VerifyAnswer): string {
  return verdict === "verified" ? "good" : reason;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

export { makeSigstore };
