import { ASN1Obj, X509Certificate } from "@sigstore/core";
import { Buffer } from "node:buffer";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { FormatError } from "../signing/format_error.ts";
import { isSignature } from "../signing/is_signature.ts";
import { type CertificateAlgorithm, readAlgorithm, withAlgorithm } from "./certificate_algorithm.ts";
import { derOf } from "./der.ts";
import { type DistinguishedName, nameOf, nameText } from "./distinguished_name.ts";

/** A larger one is no certificate that anybody signs with, in bytes. */
const MAX_SIZE = 64 * 1024;

const OID = {
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  crlDistributionPoints: "2.5.29.31",
  extendedKeyUsage: "2.5.29.37",
  authorityInformation: "1.3.6.1.5.5.7.1.1",
  ocsp: "1.3.6.1.5.5.7.48.1",
};

/** What a key may be used for (RFC 5280, 4.2.1.3), by the position of the bit. */
const KEY_USAGES = [
  "digitalSignature",
  "contentCommitment",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;

/** One of the uses of a key. */
export type KeyUsage = typeof KEY_USAGES[number];

/** A certificate by X.509 version 3 (RFC 5280), with the extensions that Notary Project's signatures look at. */
export interface Certificate {
  der: Uint8Array;
  /** Whom it is for, as it stands there: what issuers are compared by. */
  subject: Buffer;
  issuer: Buffer;
  subjectName: DistinguishedName;
  /** For messages: `CN=..., O=...`. */
  subjectText: string;
  serialNumber: Buffer;
  notBefore: Date;
  notAfter: Date;
  key: KeyObject;
  basicConstraints?: { isCritical: boolean; isAuthority: boolean; pathLength?: number };
  keyUsage?: { isCritical: boolean; usages: ReadonlySet<KeyUsage> };
  /** Object identifiers. */
  extendedKeyUsage?: { isCritical: boolean; purposes: readonly string[] };
  /** Whether it says where to ask if it has been revoked. */
  isRevocable: boolean;
  signed: Buffer;
  signature: Buffer;
  /** `undefined` if it is one that is not good. */
  algorithm?: CertificateAlgorithm;
}

/**
 * Reads a certificate.
 *
 * @throws {FormatError} if it is none, or not of version 3
 */
export function readCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_SIZE) throw new FormatError("a certificate is larger than 64 KiB");
  try {
    return read(Buffer.from(der));
  } catch (error) {
    if (error instanceof FormatError) throw error;
    // Whatever the parser, or OpenSSL, has met with: its messages are about bytes.
    throw new FormatError("a certificate cannot be read");
  }
}

function read(der: Buffer<ArrayBuffer>): Certificate {
  const root = ASN1Obj.parseBuffer(der);
  const [tbs, algorithm, signature] = root.subs;
  const certificate = new X509Certificate(root);
  // The members of older versions stand elsewhere.
  if (!tbs.subs[0].tag.isContextSpecific(0) || certificate.version !== "v3") {
    throw new FormatError("a certificate is not of version 3 of X.509");
  }
  if (!signature.tag.isBitString() || signature.value[0] !== 0) throw new FormatError("a certificate has no signature");
  if (!tbs.subs[2].value.equals(algorithm.value)) {
    throw new FormatError("a certificate names two algorithms for its signature");
  }
  const { notBefore, notAfter } = certificate;
  if (Number.isNaN(notBefore.getTime()) || Number.isNaN(notAfter.getTime())) {
    throw new FormatError("a certificate has a date that does not exist");
  }
  const subject = tbs.subs[5];
  const subjectName = nameOf(subject);
  return {
    der,
    subject: subject.value,
    issuer: certificate.issuer,
    subjectName,
    subjectText: nameText(subjectName),
    serialNumber: certificate.serialNumber,
    notBefore,
    notAfter,
    key: createPublicKey({ key: derOf(tbs.subs[6]), format: "der", type: "spki" }),
    ...readExtensions(certificate.extensions),
    signed: derOf(tbs),
    signature: certificate.signatureValue,
    algorithm: readAlgorithm(algorithm),
  };
}

type Extensions = Pick<Certificate, "basicConstraints" | "keyUsage" | "extendedKeyUsage" | "isRevocable">;

function readExtensions(extensions: readonly ASN1Obj[]): Extensions {
  const found = new Map<string, { isCritical: boolean; value: ASN1Obj }>();
  for (const { subs } of extensions) {
    const oid = subs[0].toOID();
    // RFC 5280, 4.2: no extension stands there twice.
    if (found.has(oid)) throw new FormatError(`a certificate has the extension ${oid} twice`);
    const octets = subs[subs.length - 1];
    if (!octets.tag.isOctetString()) throw new FormatError("a certificate has an extension without content");
    const isCritical = subs.length === 3 && subs[1].toBoolean();
    found.set(oid, { isCritical, value: ASN1Obj.parseBuffer(Buffer.from(octets.value)) });
  }
  const basic = found.get(OID.basicConstraints);
  const usage = found.get(OID.keyUsage);
  const extended = found.get(OID.extendedKeyUsage);
  const access = found.get(OID.authorityInformation)?.value.subs ?? [];
  return {
    ...(basic && { basicConstraints: { isCritical: basic.isCritical, ...readBasicConstraints(basic.value) } }),
    ...(usage && { keyUsage: { isCritical: usage.isCritical, usages: readKeyUsages(usage.value) } }),
    ...(extended && {
      extendedKeyUsage: {
        isCritical: extended.isCritical,
        purposes: extended.value.subs.map((purpose) => purpose.toOID()),
      },
    }),
    isRevocable: found.has(OID.crlDistributionPoints) || access.some(({ subs }) => subs[0].toOID() === OID.ocsp),
  };
}

/** Both members may be left out, so that each is known by its type. */
function readBasicConstraints({ subs }: ASN1Obj): { isAuthority: boolean; pathLength?: number } {
  const isAuthority = subs[0]?.tag.isBoolean() === true && subs[0].toBoolean();
  const length = subs.find(({ tag }) => tag.isInteger())?.toInteger();
  if (length === undefined) return { isAuthority };
  if (length < 0n) throw new FormatError("a certificate has a negative path length");
  return { isAuthority, pathLength: length > 100n ? 100 : Number(length) };
}

function readKeyUsages(value: ASN1Obj): Set<KeyUsage> {
  const bits = value.toBitString();
  return new Set(KEY_USAGES.filter((_, position) => bits[position] === 1));
}

/** Whether a certificate was signed by the key of another one, by an algorithm that is still good. */
function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  const { algorithm, signature, signed } = certificate;
  if (!algorithm || issuer.key.asymmetricKeyType !== algorithm.type) return false;
  return isSignature(algorithm.hash, signed, withAlgorithm(issuer.key, algorithm), signature);
}

/** Whether a certificate was made by another one's holder: by its name and its signature. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return certificate.issuer.equals(issuer.subject) && isSignedBy(certificate, issuer);
}

/** SHA-256 of a certificate, hexadecimal in small letters. */
export function thumbprint({ der }: Pick<Certificate, "der">): string {
  return createHash("sha256").update(der).digest("hex");
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*?)-----END CERTIFICATE-----/g;

/**
 * Reads all certificates in PEM texts.
 *
 * @param what what they are for, for the message
 * @throws {FormatError} if a text has none, or one that cannot be read
 */
export function readPemCertificates(texts: readonly string[], what: string): Certificate[] {
  return texts.flatMap((text) => {
    const blocks = [...text.matchAll(PEM_CERTIFICATE)];
    if (blocks.length === 0) throw new FormatError(`${what}: there is no certificate in PEM`);
    return blocks.map(([, body]) => {
      try {
        return readCertificate(Buffer.from(body, "base64"));
      } catch (error) {
        if (error instanceof FormatError) throw new FormatError(`${what}: ${error.message}`);
        throw error;
      }
    });
  });
}
