import type { PluginDescriptor } from "../../lib/plugin/contract.ts";
import { FormatError, quoted } from "../signing/format_error.ts";
import { isSignature } from "../signing/is_signature.ts";
import { algorithmOf, withScheme } from "./algorithm.ts";
import { type Certificate, readCertificate, thumbprint } from "./certificate.ts";
import { checkChain, findInvalidAt } from "./chain.ts";
import { fitsIdentity } from "./distinguished_name.ts";
import type { Envelope } from "./envelope.ts";
import { findMismatch, readPayload, type TargetArtifact } from "./payload.ts";
import { type Action, type Check, type Statement, storeName } from "./policy.ts";
import { formatTime } from "./time.ts";
import { type Timestamp, verifyTimestamp } from "./timestamp.ts";

/** What a signature is judged by. */
export interface Standard {
  statement: Statement;
  /** The certificates of the store that the statement names, by their thumbprints. */
  trusted: ReadonlySet<string>;
  /** Those of the store of timestamp authorities. */
  trustedForTime: readonly Certificate[];
  subject: PluginDescriptor;
  /** Annotations that have to be in it. */
  annotations?: Readonly<Record<string, string>>;
  now: Date;
}

/** What one check has found. */
export interface CheckResult {
  check: Check;
  action: Action;
  /** Why it fails. */
  failure?: string;
}

/** What is known of a signature when it has been judged. */
export interface Judgement {
  isGood: boolean;
  /** By whom it is, or why it is not good. */
  reason: string;
  /** Those that were made. */
  results: readonly CheckResult[];
  /** Set if the signature is one, and for the image; whether its signer is trusted is in `results`. */
  signed?: Signed;
}

/** What a signature says, and by whom it is. */
interface Signed {
  chain: readonly Certificate[];
  target: TargetArtifact;
  timestamp?: Timestamp;
}

/**
 * Judges a signature by a statement of a trust policy, in the order of the specification ("Signature Evaluation"). It ends at the first check
 * that fails and is enforced, as in notation: what else such a signature brings along is not worth the time. What it is for is looked at
 * whatever the level.
 */
export function judge(envelope: Envelope, standard: Standard): Judgement {
  const { statement, subject, annotations } = standard;
  const unknown = statement.actions.authenticity === "enforce" ? findUnknown(envelope, standard) : undefined;
  if (unknown !== undefined) {
    // Whoever may attach signatures may attach many: for those of nobody who is trusted nothing is computed.
    const failed: CheckResult = { check: "authenticity", action: "enforce", failure: unknown };
    return { isGood: false, reason: unknown, results: [failed] };
  }
  const results: CheckResult[] = [];
  let signed: Signed;
  try {
    signed = { chain: verifyIntegrity(envelope), target: readPayload(envelope.payload) };
    results.push({ check: "integrity", action: "enforce" });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const failed: CheckResult = { check: "integrity", action: "enforce", failure: error.message };
    return { isGood: false, reason: error.message, results: [failed] };
  }
  const mismatch = findMismatch(signed.target, subject, annotations);
  if (mismatch !== undefined) return { isGood: false, reason: mismatch, results, signed };
  for (const [check, findFailure] of CHECKS_BEHIND) {
    const action = statement.actions[check];
    const failure = action === "skip" ? undefined : findFailure(envelope, signed, standard);
    results.push({ check, action, ...(failure !== undefined && { failure }) });
    if (failure !== undefined && action === "enforce") return { isGood: false, reason: failure, results, signed };
  }
  return { isGood: true, reason: goodReason(signed, statement, results), results, signed };
}

/** What is checked of a signature that is one, and for the image, in its order. Each says why it fails. */
const CHECKS_BEHIND: readonly (readonly [Check, (...of: [Envelope, Signed, Standard]) => string | undefined])[] = [
  ["authenticity", findUntrusted],
  ["expiry", findExpired],
  ["authenticTimestamp", findInvalid],
  ["revocation", findRevocable],
];

function goodReason({ chain }: Signed, { name }: Statement, results: readonly CheckResult[]): string {
  const tolerated = results.flatMap(({ failure }) => failure ?? []);
  const but = tolerated.length > 0 ? `, which tolerates that ${tolerated.join("; ")}` : "";
  return `signed by ${quoted(chain[0].subjectText)}, good by the statement ${quoted(name)}${but}`;
}

/**
 * Checks that a signature is by the key of its first certificate, and that its certificates are one chain.
 *
 * @returns the certificates
 * @throws {FormatError}
 */
export function verifyIntegrity({ algorithm, signed, signature, certificates }: Envelope): Certificate[] {
  const chain = certificates.map(readCertificate);
  const [{ key }] = chain;
  const own = algorithmOf(key);
  if (own.name !== algorithm) {
    throw new FormatError(`it is made by ${algorithm}, and the key of its certificate is for ${own.name}`);
  }
  checkChain(chain, "code");
  if (!isSignature(own.hash, signed, withScheme(key, own), signature)) {
    throw new FormatError("the signature does not fit what it came with: one of them was changed");
  }
  return chain;
}

/** Why none of the certificates is one that is trusted. */
function findUnknown(
  { attributes: { scheme }, certificates }: Envelope,
  { statement, trusted }: Standard,
): string | undefined {
  const type = scheme === "notary.x509" ? "ca" : "signingAuthority";
  const store = statement.stores.find((each) => each.type === type);
  if (!store) return `the signing scheme ${scheme} needs a trust store of the type ${type}`;
  if (certificates.some((der) => trusted.has(thumbprint({ der })))) return undefined;
  return `none of its certificates is in the trust store ${storeName(store)}`;
}

/** Why nobody vouches for who has signed. The certificates are one chain, so that any of them vouches for those before it. */
function findUntrusted(envelope: Envelope, { chain: [{ subjectName, subjectText }] }: Signed, standard: Standard) {
  const unknown = findUnknown(envelope, standard);
  if (unknown !== undefined) return unknown;
  const { identities } = standard.statement;
  if (!identities || identities.some((identity) => fitsIdentity(subjectName, identity))) return undefined;
  return `it is signed by ${quoted(subjectText)}, which is none of the trusted identities`;
}

function findExpired({ attributes: { expiry } }: Envelope, _: Signed, { now }: Standard): string | undefined {
  return expiry && now >= expiry ? `the signature expired on ${formatTime(expiry)}` : undefined;
}

/** Whether the certificates were valid when it was signed, by a timestamp, which then is known, or else are now. */
function findInvalid(
  { attributes: { scheme, signingTime }, timestamp, signature }: Envelope,
  signed: Signed,
  { statement, trustedForTime, now }: Standard,
): string | undefined {
  const { chain } = signed;
  // The authority whose certificate it is vouches for the time as well.
  if (scheme === "notary.x509.signingAuthority") return findInvalidAt(chain, signingTime);
  const isWanted = statement.stores.some(({ type }) => type === "tsa") &&
    (statement.verifyTimestamp === "always" || chain.some(({ notAfter }) => now > notAfter));
  if (!isWanted) return findInvalidAt(chain, now);
  if (!timestamp) return "it has no timestamp, and the trust policy wants one";
  try {
    signed.timestamp = verifyTimestamp(timestamp, signature, trustedForTime);
    return findInvalidAt(chain, signed.timestamp.earliest, signed.timestamp.latest);
  } catch (error) {
    if (error instanceof FormatError) return `its timestamp is not good: ${error.message}`;
    throw error;
  }
}

/** Asking takes a network, and a root has nobody who could revoke it. */
function findRevocable(_: Envelope, { chain, timestamp }: Signed): string | undefined {
  const asked = [...chain.slice(0, -1), ...(timestamp?.chain.slice(0, -1) ?? [])];
  const revocable = asked.find(({ isRevocable }) => isRevocable);
  if (!revocable) return undefined;
  return `whether the certificate ${
    quoted(revocable.subjectText)
  } was revoked is not known: satchel asks no network for it`;
}
