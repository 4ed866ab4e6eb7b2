import type { PluginDescriptor } from "../../lib/plugin/contract.ts";
import { FormatError, quoted } from "../signing/format_error.ts";
import { algorithmOf, withScheme } from "./algorithm.ts";
import { type Certificate, isSignature, readCertificate, thumbprint } from "./certificate.ts";
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
  /** The certificates of the store that the statement names. */
  trusted: readonly Certificate[];
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
 * Judges a signature by a statement of a trust policy, in the order of the specification ("Signature Evaluation"): integrity, authenticity,
 * expiry, timestamp, revocation. What it is for is looked at whatever the level.
 */
export function judge(envelope: Envelope, standard: Standard): Judgement {
  const { statement, subject, annotations } = standard;
  let signed: Signed;
  try {
    signed = { chain: verifyIntegrity(envelope), target: readPayload(envelope.payload) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const failed: CheckResult = { check: "integrity", action: "enforce", failure: error.message };
    return { isGood: false, reason: error.message, results: [failed] };
  }
  const timed = readTimestamp(envelope, signed, standard);
  const failures: Record<Exclude<Check, "integrity">, string | undefined> = {
    authenticity: findUntrusted(envelope, signed, standard),
    expiry: findExpired(envelope, standard),
    authenticTimestamp: timed.failure,
    revocation: findRevocable(signed, timed.timestamp),
  };
  const checks = ["authenticity", "expiry", "authenticTimestamp", "revocation"] as const;
  const results: CheckResult[] = [
    { check: "integrity", action: "enforce" },
    ...checks.map((check): CheckResult => {
      const action = statement.actions[check];
      const failure = action === "skip" ? undefined : failures[check];
      return { check, action, ...(failure !== undefined && { failure }) };
    }),
  ];
  const signedWithTime = { ...signed, ...(timed.timestamp && { timestamp: timed.timestamp }) };
  const mismatch = findMismatch(signed.target, subject, annotations);
  const fatal = results.flatMap(({ action, failure }) =>
    action === "enforce" && failure !== undefined ? [failure] : []
  );
  const problems = mismatch === undefined ? fatal : [mismatch, ...fatal];
  const isGood = problems.length === 0;
  const reason = isGood ? goodReason(signed, statement, results) : problems.join("; ");
  return { isGood, reason, results, signed: signedWithTime };
}

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
  if (!isSignature(own.hash, signed, withScheme(key, own), signature)) {
    throw new FormatError("the signature does not fit what it came with: one of them was changed");
  }
  checkChain(chain, "code");
  return chain;
}

/** Why nobody vouches for who has signed. */
function findUntrusted(
  { attributes: { scheme } }: Envelope,
  { chain }: Signed,
  { statement, trusted }: Standard,
): string | undefined {
  const type = scheme === "notary.x509" ? "ca" : "signingAuthority";
  const store = statement.stores.find((each) => each.type === type);
  if (!store) return `the signing scheme ${scheme} needs a trust store of the type ${type}`;
  const known = new Set(trusted.map(thumbprint));
  if (!chain.some((certificate) => known.has(thumbprint(certificate)))) {
    return `none of its certificates is in the trust store ${storeName(store)}`;
  }
  const { identities } = statement;
  if (!identities || identities.some((identity) => fitsIdentity(chain[0].subjectName, identity))) return undefined;
  return `it is signed by ${quoted(chain[0].subjectText)}, which is none of the trusted identities`;
}

function findExpired({ attributes: { expiry } }: Envelope, { now }: Standard): string | undefined {
  return expiry && now >= expiry ? `the signature expired on ${formatTime(expiry)}` : undefined;
}

/** Whether the certificates were valid when it was signed, by a timestamp, or else are now. */
function readTimestamp(
  { attributes: { scheme, signingTime }, timestamp, signature }: Envelope,
  { chain }: Signed,
  { statement, trustedForTime, now }: Standard,
): { failure?: string; timestamp?: Timestamp } {
  // The authority whose certificate it is vouches for the time as well.
  if (scheme === "notary.x509.signingAuthority") return { failure: findInvalidAt(chain, signingTime) };
  const isWanted = statement.stores.some(({ type }) => type === "tsa") &&
    (statement.verifyTimestamp === "always" || chain.some(({ notAfter }) => now > notAfter));
  if (!isWanted) return { failure: findInvalidAt(chain, now) };
  if (!timestamp) return { failure: "it has no timestamp, and the trust policy wants one" };
  try {
    const found = verifyTimestamp(timestamp, signature, trustedForTime);
    return { failure: findInvalidAt(chain, found.earliest, found.latest), timestamp: found };
  } catch (error) {
    if (error instanceof FormatError) return { failure: `its timestamp is not good: ${error.message}` };
    throw error;
  }
}

/** Asking takes a network, and a root has nobody who could revoke it. */
function findRevocable({ chain }: Signed, timestamp: Timestamp | undefined): string | undefined {
  const asked = [...chain.slice(0, -1), ...(timestamp?.chain.slice(0, -1) ?? [])];
  const revocable = asked.find(({ isRevocable }) => isRevocable);
  if (!revocable) return undefined;
  return `whether the certificate ${
    quoted(revocable.subjectText)
  } was revoked is not known: satchel asks no network for it`;
}
