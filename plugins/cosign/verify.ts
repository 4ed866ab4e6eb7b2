import { Buffer } from "node:buffer";
import type { Json, SignatureEvidence, VerifyAnswer, VerifyRequest } from "../../lib/plugin/contract.ts";
import { FormatError, quoted } from "../signing/format_error.ts";
import { detailsOf, matchClaims } from "./claims.ts";
import { findSignatures } from "./find.ts";
import { findAlgorithm } from "./key_signature.ts";
import { type PublicKey, readPublicKeys } from "./keys.ts";
import type { CosignSignature, FoundContent, FoundSignature, Judgement } from "./signature.ts";

/** How many signatures of an image are judged; what stands behind them is not looked at. */
const MAX_SIGNATURES = 1000;

/** How many different reasons are told where no signature is good. */
const SHOWN_REASONS = 3;

/** How much of a fingerprint is in a sentence, in hexadecimal digits; all of it is in the evidence. */
const SHORT_FINGERPRINT = 16;

type Evidence = SignatureEvidence & { [name: string]: Json };

/**
 * Judges the signatures of an image in cosign's formats. One that is good suffices, wherever it stands; what was found of each is in
 * the evidence. By a key that is weak or cannot be read nothing is good, even if another key fits.
 *
 * @throws {Error} if what certificates are checked against cannot be read
 */
export async function verify(request: VerifyRequest): Promise<VerifyAnswer> {
  const { trust, artifacts, subject, manifest } = request;
  const { publicKeys = [], identities = [] } = trust;
  if (publicKeys.length === 0 && identities.length === 0) {
    return { verdict: "none", reason: "neither a public key nor an identity is given", evidence: [] };
  }
  let keys: PublicKey[];
  try {
    keys = readPublicKeys(publicKeys);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { verdict: "rejected", reason: error.message, evidence: [] };
  }
  const image = {
    digest: subject.digest,
    ...(manifest !== undefined && { manifest: Buffer.from(manifest, "base64") }),
  };
  const judged: Judged[] = [];
  for (const found of findSignatures(artifacts, image)) {
    if (judged.length === MAX_SIGNATURES) return answerTo(judged, `more than ${MAX_SIGNATURES}`);
    judged.push({ found, judgement: await judge(found, keys, request) });
  }
  return answerTo(judged, String(judged.length));
}

interface Judged {
  found: FoundSignature;
  judgement: Judgement;
}

function answerTo(judged: readonly Judged[], count: string): VerifyAnswer {
  const evidence = judged.map(({ found: { digest, format }, judgement }): Evidence => {
    const { isGood, reason, details } = judgement;
    return { ...details, digest, format, isGood, reason };
  });
  const good = evidence.find(({ isGood }) => isGood);
  if (good) return { verdict: "verified", reason: good.reason, evidence };
  const signatures = judged.filter(({ found }) => found.kind !== "attestation");
  if (signatures.length === 0) {
    const reason = judged.length === 0
      ? "there is no signature of cosign's"
      : "there are attestations, and no signature";
    return { verdict: "none", reason, evidence };
  }
  const reasons = [...new Set(signatures.map(({ judgement }) => judgement.reason))];
  const shown = reasons.slice(0, SHOWN_REASONS).join("; ");
  const reason = count === "1" ? shown : `none of ${count} signatures is good: ${shown}`;
  return { verdict: "rejected", reason: reasons.length > SHOWN_REASONS ? `${reason}; and so on` : reason, evidence };
}

async function judge(found: FoundContent, keys: readonly PublicKey[], request: VerifyRequest): Promise<Judgement> {
  switch (found.kind) {
    case "unreadable":
      return { isGood: false, reason: found.reason };
    case "attestation":
      return { isGood: false, reason: `it is an attestation (${quoted(found.predicateType)}), which signs no image` };
    case "signature":
      return await judgeSignature(found.signature, keys, request);
  }
}

/** By whom it is comes first: only then it matters what it says. */
async function judgeSignature(
  signature: CosignSignature,
  keys: readonly PublicKey[],
  request: VerifyRequest,
): Promise<Judgement> {
  const signer = await findSigner(signature, keys, request);
  if (!signer.isGood) return signer;
  const { claim, mismatch } = matchClaims(signature.claims, request);
  if (!claim) return { ...signer, isGood: false, reason: `${signer.reason}, but ${mismatch}` };
  return { ...signer, details: { ...signer.details, ...detailsOf(claim) } };
}

async function findSigner(
  { signed, signature, certificate }: CosignSignature,
  keys: readonly PublicKey[],
  { trust }: VerifyRequest,
): Promise<Judgement> {
  for (const key of keys) {
    const algorithm = await findAlgorithm(key, signed, signature);
    if (algorithm === undefined) continue;
    const { fingerprint } = key;
    const reason = `signed by the key ${fingerprint.slice(0, SHORT_FINGERPRINT)}`;
    return { isGood: true, reason, details: { key: fingerprint, algorithm } };
  }
  if (!certificate) {
    return {
      isGood: false,
      reason: keys.length === 0 ? "made with a key: give --public-keys" : "not signed by any of the public keys",
    };
  }
  if (!trust.identities?.length) {
    return { isGood: false, reason: "made with a certificate: give --certificate-identity" };
  }
  const { verifyCertificate } = await import("./certificates/mod.ts");
  return await verifyCertificate({ signed, signature, certificate }, trust);
}
