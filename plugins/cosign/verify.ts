import type { Json, SignatureEvidence, VerifyAnswer, VerifyRequest } from "../../lib/plugin/contract.ts";
import { findMismatch } from "./claims.ts";
import { findSignatures } from "./find.ts";
import { isSignedBy } from "./key_signature.ts";
import { type PublicKey, readPublicKeys } from "./keys.ts";
import type { CosignSignature, Judgement } from "./signature.ts";

/**
 * Judges the signatures of an image in cosign's formats. One that is good suffices, wherever it stands; what was found of each is in
 * the evidence.
 *
 * @throws {Error} if what is trusted cannot be read
 */
export async function verify(request: VerifyRequest): Promise<VerifyAnswer> {
  const { trust, artifacts } = request;
  const { publicKeys = [], identities = [] } = trust;
  if (publicKeys.length === 0 && identities.length === 0) {
    return { verdict: "none", reason: "neither a public key nor an identity is given", evidence: [] };
  }
  const keys = readPublicKeys(publicKeys);
  const evidence: (SignatureEvidence & { [name: string]: Json })[] = [];
  for (const { digest, format, signature, failure } of findSignatures(artifacts)) {
    const judgement = signature ? await judge(signature, keys, request) : { isGood: false, reason: failure };
    const { isGood, reason, details } = judgement;
    evidence.push({ digest, format, isGood, reason, ...details });
  }
  const good = evidence.find(({ isGood }) => isGood);
  if (good) return { verdict: "verified", reason: good.reason, evidence };
  if (evidence.length === 0) return { verdict: "none", reason: "there is no signature of cosign's", evidence };
  return { verdict: "rejected", reason: reasonOf(evidence), evidence };
}

/** The signature first, and only then what it says. */
async function judge(
  signature: CosignSignature,
  keys: readonly PublicKey[],
  request: VerifyRequest,
): Promise<Judgement> {
  const signer = await findSigner(signature, keys, request);
  if (!signer.isGood) return signer;
  const mismatch = findMismatch(signature.claim, request);
  return mismatch === undefined ? signer : { ...signer, isGood: false, reason: `${signer.reason}, but ${mismatch}` };
}

async function findSigner(
  { signed, signature, certificate }: CosignSignature,
  keys: readonly PublicKey[],
  { trust }: VerifyRequest,
): Promise<Judgement> {
  const key = keys.find((key) => isSignedBy(key, signed, signature));
  if (key) {
    return { isGood: true, reason: `signed by the key ${key.fingerprint}`, details: { key: key.fingerprint } };
  }
  if (!certificate) return { isGood: false, reason: "not signed by any of the public keys" };
  if (!trust.identities?.length) {
    return { isGood: false, reason: "made with a certificate: give --certificate-identity" };
  }
  const { verifyCertificate } = await import("./certificates/mod.ts");
  return await verifyCertificate({ signed, signature, certificate }, trust);
}

function reasonOf(evidence: readonly SignatureEvidence[]): string {
  if (evidence.length === 1) return evidence[0].reason;
  return `none of ${evidence.length} signatures is good`;
}
