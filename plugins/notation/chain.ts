import { FormatError, quoted } from "../signing/format_error.ts";
import { algorithmOf, isWeak } from "./algorithm.ts";
import { type Certificate, isIssuedBy, type KeyUsage } from "./certificate.ts";
import { formatTime } from "./time.ts";

/** What certificates may be for (RFC 5280, 4.2.1.12). */
const Purpose = {
  any: "2.5.29.37.0",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  emailProtection: "1.3.6.1.5.5.7.3.4",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  ocspSigning: "1.3.6.1.5.5.7.3.9",
};

/** For what no certificate may be that signs. */
const OTHER_PURPOSES = [
  Purpose.any,
  Purpose.serverAuth,
  Purpose.clientAuth,
  Purpose.emailProtection,
  Purpose.timeStamping,
  Purpose.ocspSigning,
];

/** What the key of a certificate that signs must not be used for. */
const OTHER_USAGES: readonly KeyUsage[] = [
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
];

/**
 * Checks the certificates of a signature: they are one chain, in its order, to a root, and each is for what it is used for (signature
 * specification, "Certificate Requirements"). Whether the root is trusted, and whether they are valid by their dates, is not looked at.
 *
 * @param kind what the first one signs
 * @throws {FormatError}
 */
export function checkChain(chain: readonly Certificate[], kind: "code" | "time"): void {
  // From the root on: whoever has no certificate by it is told so after one signature, however many certificates there are.
  for (let position = chain.length - 1; position >= 0; position--) {
    const certificate = chain[position];
    const fail = (why: string) => new FormatError(`the certificate ${quoted(certificate.subjectText)} ${why}`);
    const isLast = position === chain.length - 1;
    const issuer = isLast ? certificate : chain[position + 1];
    if (!isIssuedBy(certificate, issuer)) {
      throw fail(isLast ? "is the last one and no root: it is not signed by itself" : "was not issued by the next one");
    }
    if (!isLast && isIssuedBy(certificate, certificate)) throw fail("is a root, and others come behind it");
    // A certificate alone is used by who signs, whatever else it could do.
    if (position > 0) {
      checkAuthority(certificate, position - 1, fail);
      if (kind === "time" && !mayIssueFor(certificate, Purpose.timeStamping)) {
        throw fail("is not for those that make timestamps (extended key usage)");
      }
    } else if (kind === "code") checkCodeSigner(certificate, fail);
    else checkTimeSigner(certificate, fail);
  }
}

type Fail = (why: string) => FormatError;

/** @param below how many authorities stand between it and who signs */
function checkAuthority({ basicConstraints: basic, keyUsage, key }: Certificate, below: number, fail: Fail): void {
  if (!basic?.isCritical || !basic.isAuthority) throw fail("is not that of an authority (basic constraints)");
  if (basic.pathLength !== undefined && basic.pathLength < below) {
    throw fail(`may have ${basic.pathLength} authorities below it, and has ${below}`);
  }
  if (!keyUsage?.isCritical || !keyUsage.usages.has("keyCertSign")) {
    throw fail("is not for signing certificates (key usage)");
  }
  if (isWeak(key)) throw fail("has a key that is too weak");
}

/** Where an authority names purposes, its certificates can have no others. */
function mayIssueFor({ extendedKeyUsage: extended }: Certificate, purpose: string): boolean {
  return !extended || extended.purposes.includes(purpose) || extended.purposes.includes(Purpose.any);
}

function checkCodeSigner(certificate: Certificate, fail: Fail): void {
  checkSigner(certificate, fail);
  if (!certificate.keyUsage?.isCritical) throw fail("does not mark its key usage as critical");
  const purposes = certificate.extendedKeyUsage?.purposes;
  if (!purposes) return;
  if (!purposes.includes(Purpose.codeSigning)) throw fail("is not for signing code (extended key usage)");
  const other = purposes.find((purpose) => OTHER_PURPOSES.includes(purpose));
  if (other !== undefined) throw fail(`is also for something else than signing code (extended key usage ${other})`);
}

/** RFC 3161, 2.3: for timestamps and nothing else, and critical. */
function checkTimeSigner(certificate: Certificate, fail: Fail): void {
  checkSigner(certificate, fail);
  const { extendedKeyUsage: extended } = certificate;
  if (!extended?.isCritical || extended.purposes.length !== 1 || extended.purposes[0] !== Purpose.timeStamping) {
    throw fail("is not for timestamps alone (extended key usage)");
  }
}

function checkSigner({ basicConstraints, keyUsage, key }: Certificate, fail: Fail): void {
  if (basicConstraints?.isAuthority) throw fail("is that of an authority, which signs certificates alone");
  if (!keyUsage?.usages.has("digitalSignature")) throw fail("is not for digital signatures (key usage)");
  const other = OTHER_USAGES.find((usage) => keyUsage.usages.has(usage));
  if (other !== undefined) throw fail(`is also for something else than signatures (key usage ${other})`);
  algorithmOf(key);
}

/** The first certificate of a chain that was not valid throughout some time, in words; `undefined` if all were. */
export function findInvalidAt(
  chain: readonly Certificate[],
  earliest: Date,
  latest: Date = earliest,
): string | undefined {
  for (const { subjectText, notBefore, notAfter } of chain) {
    if (earliest < notBefore) {
      return `the certificate ${quoted(subjectText)} is valid from ${formatTime(notBefore)} on`;
    }
    if (latest > notAfter) return `the certificate ${quoted(subjectText)} expired on ${formatTime(notAfter)}`;
  }
  return undefined;
}
