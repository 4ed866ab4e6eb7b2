import { type SignedEntity, VerificationError, Verifier } from "@sigstore/verify";
import { FormatError, quoted } from "../../signing/format_error.ts";
import { withDefaultDigest } from "./default_digest.ts";
import type { Proofs } from "./proofs.ts";
import { type SignedBytes, toSignedEntity } from "./signed_entity.ts";
import type { CertifiedSigner } from "./signer.ts";
import type { TrustRoot } from "./trusted_root.ts";

/** What is wrong, by the codes of `@sigstore/verify`. */
const FAILURES: Readonly<Record<string, string>> = {
  CERTIFICATE_ERROR: "its certificate is of no authority that is trusted",
  TIMESTAMP_ERROR: "nothing that is trusted says when it was made",
  TLOG_ERROR: "it is in no transparency log",
  TLOG_MISSING_INCLUSION_ERROR: "nothing proves that it is in the transparency log",
  TLOG_INCLUSION_PROOF_ERROR: "the proof that it is in the transparency log is not good",
  TLOG_INCLUSION_PROMISE_ERROR: "the promise of the transparency log is not good",
  TLOG_BODY_ERROR: "its entry in the transparency log is about another signature",
};

/**
 * Checks the proofs of a signature against the trusted root: that the certificate is by one of its authorities and was logged, that the
 * signature was logged, and that all times that are proven are within those of the certificate.
 *
 * @returns the earliest time that is proven
 * @throws {FormatError} if one of them is not good, or there are too few
 */
export function verifyProofs(
  given: SignedBytes,
  signer: CertifiedSigner,
  proofs: Proofs,
  { material, logEntries, certificateLogEntries }: TrustRoot,
): Date {
  const verifier = new Verifier(material, {
    ctlogThreshold: certificateLogEntries,
    tlogThreshold: logEntries,
    timestampThreshold: 1,
  });
  let times: Date[] = [];
  try {
    const entity = toSignedEntity(given, signer, proofs);
    times = timesOf(entity);
    withDefaultDigest(() => verifier.verify(entity));
  } catch (error) {
    throw error instanceof FormatError ? error : new FormatError(reasonOf(error, signer, times));
  }
  return new Date(Math.min(...times.map(Number)));
}

/** The time of an entry is proven by the promise of its log alone. */
function timesOf({ timestamps }: SignedEntity): Date[] {
  return timestamps.flatMap((timestamp) => {
    if (timestamp.$case === "timestamp-authority") return [timestamp.timestamp.signingTime];
    const { inclusionPromise, integratedTime } = timestamp.tlogEntry;
    return inclusionPromise ? [new Date(Number(integratedTime) * 1000)] : [];
  });
}

function reasonOf(error: unknown, { validFrom, validTo }: CertifiedSigner, times: readonly Date[]): string {
  // What is no proof at all makes the reader stumble over members that are not there.
  if (!(error instanceof VerificationError)) return "its proofs cannot be read";
  const outside = times.find((time) => !(validFrom <= time && time <= validTo));
  if (error.code === "CERTIFICATE_ERROR" && outside) {
    return `said to be made ${text(outside)}, and its certificate is valid from ${text(validFrom)} to ${text(validTo)}`;
  }
  const failure = FAILURES[error.code] ?? "its proofs are not good";
  const cause: unknown = error.cause;
  return `${failure} (${quoted(cause instanceof Error ? cause.message : error.message)})`;
}

function text(time: Date): string {
  return Number.isNaN(time.getTime()) ? "at no time" : time.toISOString();
}
