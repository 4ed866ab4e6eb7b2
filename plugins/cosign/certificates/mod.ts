import type { VerifyTrust } from "../../../lib/plugin/contract.ts";
import type { CosignSignature, Judgement } from "../signature.ts";

/** A signature that came with a certificate. */
export type CertifiedSignature = Required<Pick<CosignSignature, "signed" | "signature" | "certificate">>;

/**
 * Judges a signature by its certificate: whom it is for, who issued it, and when it was used. What was signed is compared with the
 * image by the caller.
 */
export async function verifyCertificate(_signed: CertifiedSignature, _trust: VerifyTrust): Promise<Judgement> {
  return { isGood: false, reason: "made with a certificate, and certificates are not judged yet" };
}
