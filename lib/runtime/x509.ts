import process from "node:process";

/** `node:crypto`, not before it is needed: loading it takes Bun 5 ms and more. */
function crypto() {
  return process.getBuiltinModule("node:crypto");
}

/**
 * Reads a certificate, so that one that is none is told of before a connection fails because of it.
 *
 * @param certificate PEM text
 * @throws whatever the runtime throws if it cannot be read
 */
export function checkCertificate(certificate: string): void {
  const { X509Certificate } = crypto();
  new X509Certificate(certificate);
}

/**
 * Whether a key is that of a certificate; both are PEM text.
 *
 * @throws whatever the runtime throws if one of them cannot be read, as an encrypted key cannot
 */
export function isKeyOf(key: string, certificate: string): boolean {
  const { createPrivateKey, X509Certificate } = crypto();
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
}

/** Whom a certificate names, and who vouches for that. */
export interface CertificateNames {
  /** Its alternative names, else its subject. */
  subject: string;
  /** The service where somebody signed in, if the certificate is one of Sigstore's, else its issuer. */
  issuer: string;
}

/**
 * Reads the names in a certificate. Nothing of it is verified.
 *
 * @param certificate PEM text, or DER
 * @returns `undefined` if it cannot be read
 */
export function certificateNames(certificate: string | Uint8Array): CertificateNames | undefined {
  const { X509Certificate } = crypto();
  try {
    const { subject, issuer, subjectAltName, raw } = new X509Certificate(certificate);
    return {
      subject: subjectAltName?.replace(/^(?:URI|email):(?=[^,]*$)/, "") ?? oneLine(subject),
      issuer: signInService(raw) ?? oneLine(issuer),
    };
  } catch {
    return undefined;
  }
}

/** Node has one part of a distinguished name in a line; an empty name is nothing at all. */
function oneLine(name: string | undefined): string {
  return (name ?? "").replaceAll("\n", ", ");
}

/** 1.3.6.1.4.1.57264.1.8 (fulcio, docs/oid-info.md): an extension whose value is a UTF8String in an OCTET STRING. */
const ISSUER_EXTENSION = [0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x08, 0x04];
const UTF8_STRING = 0x0c;

/** Finds the extension by its bytes: the runtimes do not show those that they do not know. Only short lengths are read. */
function signInService(der: Uint8Array): string | undefined {
  const at = indexOf(der, ISSUER_EXTENSION);
  if (at < 0) return undefined;
  const [outer, type, length] = der.subarray(at + ISSUER_EXTENSION.length);
  if (type !== UTF8_STRING || length >= 0x80 || outer !== length + 2) return undefined;
  const from = at + ISSUER_EXTENSION.length + 3;
  return new TextDecoder().decode(der.subarray(from, from + length));
}

function indexOf(bytes: Uint8Array, wanted: readonly number[]): number {
  for (let at = 0; at + wanted.length <= bytes.length; at++) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
