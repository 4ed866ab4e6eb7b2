import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { RFC3161Timestamp } from "@sigstore/core";
import type { SignedEntity } from "@sigstore/verify";
import { decodeBase64 } from "../../signing/base64.ts";
import { isObject } from "../../signing/strict_json.ts";
import type { CertificateMaterial } from "../signature.ts";
import type { Proofs } from "./proofs.ts";
import type { CertifiedSigner } from "./signer.ts";

/** What is signed, with the signature, which is known to be by the key of the certificate. */
export interface SignedBytes {
  signed: Uint8Array;
  signature: Uint8Array;
  certificate: CertificateMaterial;
}

/** The hash that a digest is by, as its length tells. */
const HASHES: Readonly<Record<number, string>> = { 32: "sha256", 48: "sha384", 64: "sha512" };

/** Puts together what `@sigstore/verify` judges. */
export function toSignedEntity(
  { signed, signature, certificate }: SignedBytes,
  { key, certificate: signer }: Pick<CertifiedSigner, "key" | "certificate">,
  { entries, timestamps }: Pick<Proofs, "entries" | "timestamps">,
): SignedEntity {
  const bytes = Buffer.from(signature);
  // Logs keep a digest of what an envelope has in it, or of what its signature is over.
  const content = envelopePayload(certificate) ?? signed;
  return {
    signature: {
      signature: bytes,
      compareSignature: (other) => bytes.equals(other),
      compareDigest: (digest) => isDigestOf(digest, content),
      compareSignedDigest: (digest) => isDigestOf(digest, signed),
      verifySignature: (other) => key.key.equals(other),
    },
    key: { $case: "certificate", certificate: signer },
    tlogEntries: [...entries],
    timestamps: [
      ...entries.filter(({ integratedTime }) => integratedTime !== "0").map((tlogEntry) => ({
        $case: "transparency-log" as const,
        tlogEntry,
      })),
      ...timestamps.map((timestamp) => ({
        $case: "timestamp-authority" as const,
        timestamp: RFC3161Timestamp.parse(Buffer.from(timestamp)),
      })),
    ],
  };
}

function envelopePayload(material: CertificateMaterial): Uint8Array | undefined {
  if (material.kind !== "bundle" || !isObject(material.bundle.dsseEnvelope)) return undefined;
  return decodeBase64(material.bundle.dsseEnvelope.payload, "the payload of the envelope");
}

function isDigestOf(digest: Uint8Array, content: Uint8Array): boolean {
  const hash = HASHES[digest.length];
  return hash !== undefined && createHash(hash).update(content).digest().equals(digest);
}
