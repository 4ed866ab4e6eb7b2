/**
 * Signatures with certificates, judged without a network: whom Fulcio or another authority has vouched for, that a transparency log
 * has the signature, and when it was made. `docs/signing.md` says what is checked, decision 048 why.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { VerifyTrust } from "../../../lib/plugin/contract.ts";
import { FormatError, quoted } from "../../signing/format_error.ts";
import { findAlgorithm } from "../key_signature.ts";
import type { CosignSignature, JsonDetails, Judgement } from "../signature.ts";
import { readAnnotationProofs } from "./annotations.ts";
import { type IsTrusted, readIdentities } from "./identity.ts";
import { checkEntryCertificate } from "./log_entry.ts";
import { type LogEntry, readBundleProofs } from "./proofs.ts";
import { readSigner } from "./signer.ts";
import { readTrustedRoot, type TrustRoot } from "./trusted_root.ts";
import { verifyProofs } from "./verify_proofs.ts";

/** A signature that came with a certificate. */
export type CertifiedSignature = Required<Pick<CosignSignature, "signed" | "signature" | "certificate">>;

/** What is trusted, read. */
interface Trusted {
  root: TrustRoot;
  isTrusted: IsTrusted;
}

/** Read once for all signatures of an image, which are judged by the same object. */
const read = new WeakMap<VerifyTrust, Trusted>();

/**
 * Judges a signature by its certificate: whom it is for, who issued it, and when it was used. What was signed is compared with the
 * image by the caller.
 *
 * @throws {Error} if what is trusted cannot be read
 */
export async function verifyCertificate(signed: CertifiedSignature, trust: VerifyTrust): Promise<Judgement> {
  if (trust.trustedRoot === undefined) {
    return { isGood: false, reason: "made with a certificate: give --trusted-root, which it is checked against" };
  }
  const trusted = read.get(trust) ?? readTrust(trust, trust.trustedRoot);
  read.set(trust, trusted);
  // All of it is calculation, between which nobody could give up waiting.
  await new Promise((resolve) => setImmediate(resolve));
  try {
    return await judge(signed, trusted);
  } catch (error) {
    if (error instanceof FormatError) return { isGood: false, reason: error.message };
    throw error;
  }
}

function readTrust({ identities = [] }: VerifyTrust, trustedRoot: string): Trusted {
  return { root: readTrustedRoot(trustedRoot), isTrusted: readIdentities(identities) };
}

/**
 * The cheapest comes first. Anybody can have a certificate by Sigstore's public service and sign with it, so whom it is for is looked at
 * before all that has to be calculated.
 */
async function judge(given: CertifiedSignature, { root, isTrusted }: Trusted): Promise<Judgement> {
  const { certificate: material, signed, signature } = given;
  const proofs = material.kind === "bundle" ? readBundleProofs(material.bundle) : readAnnotationProofs(material);
  const signer = readSigner(proofs.certificate);
  const { subjects, issuer, fingerprint } = signer;
  const who = `${subjects.map(quoted).join(", ") || "nobody"}, as ${
    issuer === undefined ? "nobody" : quoted(issuer)
  } says`;
  if (!isTrusted(signer)) throw new FormatError(`its certificate is for ${who}, who is not trusted`);
  const algorithm = await findAlgorithm(signer.key, signed, signature);
  if (algorithm === undefined) throw new FormatError("not signed by the key of its certificate");
  const signedAt = verifyProofs(given, signer, proofs, root);
  for (const entry of proofs.entries) checkEntryCertificate(entry, proofs.certificate);
  return {
    isGood: true,
    reason: `signed by ${who}`,
    details: {
      identity: subjects.join(" "),
      ...(issuer !== undefined && { issuer }),
      certificate: fingerprint,
      algorithm,
      signedAt: signedAt.toISOString(),
      ...(proofs.entries.length > 0 && { log: logDetails(proofs.entries[0]) }),
    },
  };
}

/** The place in the log: of an entry without a promise nothing proves the index but that of the proof. */
function logDetails({ logId, logIndex, inclusionPromise, inclusionProof }: LogEntry): JsonDetails {
  const index = inclusionPromise || !inclusionProof ? logIndex : inclusionProof.logIndex;
  return { id: logId.keyId.toString("hex"), index: Number(index) };
}
