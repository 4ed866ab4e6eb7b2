import { Buffer } from "node:buffer";
import type {
  AttachedArtifact,
  Json,
  SignatureEvidence,
  VerifyAnswer,
  VerifyRequest,
} from "../../lib/plugin/contract.ts";
import { FormatError, quoted } from "../signing/format_error.ts";
import { type Certificate, isIssuedBy, readPemCertificates, thumbprint } from "./certificate.ts";
import { COSE_TYPE, readCose } from "./cose.ts";
import type { Envelope } from "./envelope.ts";
import { judge, type Judgement, type Standard } from "./judge.ts";
import { JWS_TYPE, readJws } from "./jws.ts";
import { readPolicy, statementFor } from "./policy.ts";
import { SIGNATURE_TYPE } from "./signature_type.ts";
import { formatTime } from "./time.ts";

/** How many different reasons are told where no signature is good. */
const SHOWN_REASONS = 3;

/** Annotations that have more in all, in bytes of JSON, are not repeated in evidence. */
const MAX_ANNOTATIONS = 2048;

/** How envelopes are read, by the type of the layer. */
const READERS: Readonly<Record<string, { format: Envelope["format"]; read(bytes: Uint8Array): Envelope }>> = {
  [JWS_TYPE]: { format: "notation JWS", read: readJws },
  [COSE_TYPE]: { format: "notation COSE", read: readCose },
};

/**
 * Judges the signatures of an image in Notary Project's format by a trust policy. One that is good suffices, wherever it stands. By a trust
 * policy or certificates that cannot be read nothing is good.
 */
export function verify(request: VerifyRequest, now = new Date()): VerifyAnswer {
  const { notationPolicy } = request.trust;
  if (notationPolicy === undefined) {
    return { verdict: "none", reason: "no trust policy of notation's is given", evidence: [] };
  }
  try {
    return verifyBy(notationPolicy, request, now);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { verdict: "rejected", reason: error.message, evidence: [] };
  }
}

function verifyBy(policy: string, { trust, artifacts, reference, subject }: VerifyRequest, now: Date): VerifyAnswer {
  const statements = readPolicy(policy);
  const trusted = new Set(
    readTrusted(trust.notationCertificates ?? [], "the certificates for notation").map(thumbprint),
  );
  const trustedForTime = readTrusted(trust.notationTimestampCertificates ?? [], "the certificates for timestamps");
  const repository = repositoryOf(reference);
  const statement = statementFor(statements, repository);
  if (statement?.level === "skip") {
    const reason = `the statement ${quoted(statement.name)} of the trust policy says that signatures are not looked at`;
    return { verdict: "verified", reason, evidence: [] };
  }
  const signatures = artifacts.filter(({ artifactType }) => artifactType === SIGNATURE_TYPE);
  if (signatures.length === 0) return { verdict: "none", reason: "there is no signature of notation's", evidence: [] };
  if (!statement) {
    const reason = `the trust policy has no statement for ${repository}`;
    return { verdict: "rejected", reason, evidence: signatures.map((each) => refused(each, reason)) };
  }
  const { annotations } = trust;
  const standard: Standard = { statement, trusted, trustedForTime, subject, now, ...(annotations && { annotations }) };
  const evidence = signatures.map((each) => {
    if (trust.checkName) {
      return refused(each, "the name of the image is asked for, and signatures of notation's do not say it");
    }
    return evidenceOf(each, standard);
  });
  const good = evidence.find(({ isGood }) => isGood);
  if (good) return { verdict: "verified", reason: good.reason, evidence };
  return { verdict: "rejected", reason: reasonOf(evidence), evidence };
}

function reasonOf(evidence: readonly SignatureEvidence[]): string {
  const reasons = [...new Set(evidence.map(({ reason }) => reason))];
  const shown = reasons.slice(0, SHOWN_REASONS).join("; ") + (reasons.length > SHOWN_REASONS ? "; and so on" : "");
  return evidence.length === 1 ? shown : `none of ${evidence.length} signatures is good: ${shown}`;
}

type Evidence = SignatureEvidence & { [name: string]: Json };

function evidenceOf(artifact: AttachedArtifact, standard: Standard): Evidence {
  let format = "notation";
  let envelope: Envelope;
  try {
    const { mediaType, bytes } = envelopeOf(artifact);
    if (!Object.hasOwn(READERS, mediaType)) {
      throw new FormatError(`its envelope is of no known type: ${quoted(mediaType)}`);
    }
    const reader = READERS[mediaType];
    format = reader.format;
    envelope = reader.read(bytes);
  } catch (error) {
    if (error instanceof FormatError) return refused(artifact, error.message, format);
    throw error;
  }
  const judgement = judge(envelope, standard);
  const { isGood, reason } = judgement;
  return {
    digest: artifact.descriptor.digest,
    format,
    isGood,
    reason,
    statement: standard.statement.name,
    level: standard.statement.level,
    ...detailsOf(envelope, judgement),
  };
}

/** What a signature says of itself. It is worth what `isGood` says. */
function detailsOf({ algorithm, attributes, agent }: Envelope, { results, signed }: Judgement) {
  const { scheme, signingTime, expiry } = attributes;
  const annotations = JSON.stringify(Object.fromEntries(signed?.target.annotations ?? []));
  const checks = results.map(({ check, action, failure }): [string, Json] => [
    check,
    action === "skip"
      ? { action }
      : { action, passed: failure === undefined, ...(failure !== undefined && { failure }) },
  ]);
  return {
    algorithm,
    scheme,
    signingTime: formatTime(signingTime),
    ...(expiry && { expiry: formatTime(expiry) }),
    ...(agent !== undefined && { agent: agent.slice(0, 200) }),
    ...(signed && {
      certificates: signed.chain.map((each) => ({ subject: each.subjectText, thumbprint: thumbprint(each) })),
      ...(annotations.length <= MAX_ANNOTATIONS && { annotations: JSON.parse(annotations) }),
    }),
    ...(signed?.timestamp && { timestamp: formatTime(signed.timestamp.time) }),
    checks: Object.fromEntries(checks),
  };
}

function refused({ descriptor }: AttachedArtifact, reason: string, format = "notation"): Evidence {
  return { digest: descriptor.digest, format, isGood: false, reason };
}

/** The one layer that is there (signature specification, "Storage"). */
function envelopeOf({ layers }: AttachedArtifact): { mediaType: string; bytes: Uint8Array } {
  if (layers.length !== 1) throw new FormatError(`it has ${layers.length} layers, and one is expected`);
  const [{ descriptor, data }] = layers;
  if (data === undefined) throw new FormatError("it is too large for a signature");
  return { mediaType: descriptor.mediaType, bytes: Buffer.from(data, "base64") };
}

/** Certificates that others are trusted by: of authorities, or of a signer that has signed its own. */
function readTrusted(texts: readonly string[], what: string): Certificate[] {
  const certificates = readPemCertificates(texts, what);
  const wrong = certificates.find((each) => !each.basicConstraints?.isAuthority && !isIssuedBy(each, each));
  if (!wrong) return certificates;
  throw new FormatError(`${what}: ${quoted(wrong.subjectText)} is neither that of an authority nor signed by itself`);
}

/** `registry/repository` of a full name. */
function repositoryOf(reference: string): string {
  const [name] = reference.split("@");
  const colon = name.indexOf(":", name.lastIndexOf("/"));
  return colon < 0 ? name : name.slice(0, colon);
}
