import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { X509Certificate } from "@sigstore/core";
import { FormatError } from "../../signing/format_error.ts";
import { type PublicKey, readPublicKeys } from "../keys.ts";
import { EXTENSION, extensionNumbers, findUnknownCritical, hasUsage, USAGE } from "./extensions.ts";

/** Who has signed, by a certificate whose issuer has not been looked at yet. */
export interface CertifiedSigner {
  certificate: X509Certificate;
  /** SHA-256 of the certificate, hexadecimal. */
  fingerprint: string;
  key: PublicKey;
  validFrom: Date;
  validTo: Date;
  /** Whom the certificate is for: addresses of mail, URIs and user names. */
  subjects: readonly string[];
  /** Who vouched for that: the URL of an OpenID Connect provider. Absent in certificates of other authorities than Fulcio. */
  issuer?: string;
}

/** What the certificate of a signer may say as critical: what is looked at. */
const KNOWN_EXTENSIONS = [
  EXTENSION.basicConstraints,
  EXTENSION.keyUsage,
  EXTENSION.extendedKeyUsage,
  EXTENSION.subjectAlternativeName,
];

/** How Fulcio writes a user name: an otherName of this kind. */
const USER_NAME = "1.3.6.1.4.1.57264.1.7";

/** Tags of GeneralName (RFC 5280, section 4.2.1.6). */
const NAME = { other: 0, mail: 1, uri: 6 };

/**
 * Reads the certificate of who has signed, and checks what it says of itself. By whom it was issued and when it was valid is for later.
 *
 * @throws {FormatError} if it is none, or not one for signing
 */
export function readSigner(der: Uint8Array): CertifiedSigner {
  try {
    const certificate = X509Certificate.parse(Buffer.from(der));
    checkUsage(certificate);
    const key = readKey(certificate.publicKey);
    const issuer = issuerOf(certificate);
    return {
      certificate,
      fingerprint: createHash("sha256").update(der).digest("hex"),
      key,
      validFrom: certificate.notBefore,
      validTo: certificate.notAfter,
      subjects: subjectsOf(certificate),
      ...(issuer !== undefined && { issuer }),
    };
  } catch (error) {
    // What is no certificate makes the reader stumble over members that are not there.
    throw new FormatError(
      error instanceof FormatError ? `its certificate is not good: ${error.message}` : "its certificate cannot be read",
    );
  }
}

function checkUsage(certificate: X509Certificate): void {
  const numbers = extensionNumbers(certificate);
  if (new Set(numbers).size < numbers.length) throw new FormatError("it has an extension twice");
  const unknown = findUnknownCritical(certificate, KNOWN_EXTENSIONS);
  if (unknown !== undefined) throw new FormatError(`it has the critical extension ${unknown}, which is not known`);
  if (certificate.extBasicConstraints?.isCA) throw new FormatError("it is that of an authority");
  if (!hasUsage(certificate, USAGE.codeSigning)) throw new FormatError("it is not for code signing");
  if (certificate.extKeyUsage?.digitalSignature === false) throw new FormatError("it is not for signatures");
}

function readKey(spki: Buffer): PublicKey {
  try {
    return readPublicKeys([`-----BEGIN PUBLIC KEY-----\n${spki.toString("base64")}\n-----END PUBLIC KEY-----`])[0];
  } catch (error) {
    throw new FormatError(error instanceof Error ? error.message : String(error));
  }
}

function subjectsOf(certificate: X509Certificate): string[] {
  const names = certificate.extension(EXTENSION.subjectAlternativeName)?.valueObj.subs[0]?.subs ?? [];
  return names.flatMap((name) => {
    if (name.tag.isContextSpecific(NAME.mail) || name.tag.isContextSpecific(NAME.uri)) return [textOf(name.value)];
    if (!name.tag.isContextSpecific(NAME.other) || name.subs[0]?.toOID() !== USER_NAME) return [];
    return [textOf(name.subs[1].subs[0].value)];
  });
}

function issuerOf(certificate: X509Certificate): string | undefined {
  const extension = certificate.extension(EXTENSION.issuerV2);
  if (extension) return textOf(extension.valueObj.subs[0].value);
  const older = certificate.extension(EXTENSION.issuer);
  return older && textOf(older.value);
}

/** Not by the reader's own methods, which take away the eighth bit and so make other names of some. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError("it has a name that is not UTF-8 text");
  }
}
