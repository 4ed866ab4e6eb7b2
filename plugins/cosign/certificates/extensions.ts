import type { X509Certificate } from "@sigstore/core";

/** Extensions of certificates (RFC 5280, section 4.2; those of Fulcio in its `docs/oid-info.md`). */
export const EXTENSION = {
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  subjectAlternativeName: "2.5.29.17",
  /** Who vouches for the subject: the text itself. */
  issuer: "1.3.6.1.4.1.57264.1.1",
  /** The same as a UTF8String in DER. */
  issuerV2: "1.3.6.1.4.1.57264.1.8",
};

/** What a key may be used for (RFC 5280, section 4.2.1.12). */
export const USAGE = { codeSigning: "1.3.6.1.5.5.7.3.3", timeStamping: "1.3.6.1.5.5.7.3.8" };

/** The extensions of a certificate by their numbers, in their order. */
export function extensionNumbers(certificate: X509Certificate): string[] {
  return certificate.extensions.map((extension) => extension.subs[0].toOID());
}

/** A critical extension that is none of some; who does not know it has to refuse the certificate. */
export function findUnknownCritical(certificate: X509Certificate, known: readonly string[]): string | undefined {
  return extensionNumbers(certificate).find((oid) => !known.includes(oid) && certificate.extension(oid)?.critical);
}

/** Whether the extended usages of a certificate have one; a certificate without the extension has none. */
export function hasUsage(certificate: X509Certificate, usage: string): boolean {
  const extension = certificate.extension(EXTENSION.extendedKeyUsage);
  return extension?.valueObj.subs[0]?.subs.some((each) => each.toOID() === usage) ?? false;
}
