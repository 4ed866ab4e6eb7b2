import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { bits, boolean, explicit, implicit, integer, octets, oid, sequence, set, time, utf8 } from "./der.ts";

/** A key pair. */
export interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  spki: Buffer;
  /** ECDSA over SHA-256, or Ed25519. */
  sign(bytes: Uint8Array): Buffer;
}

/** Makes one on P-256. */
export function makeKeyPair(): KeyPair {
  return keyPair(generateKeyPairSync("ec", { namedCurve: "P-256" }), "sha256");
}

/** Makes one of Ed25519. */
export function makeEd25519KeyPair(): KeyPair {
  return keyPair(generateKeyPairSync("ed25519"), null);
}

function keyPair({ publicKey, privateKey }: Pick<KeyPair, "publicKey" | "privateKey">, hash: string | null): KeyPair {
  const spki = publicKey.export({ format: "der", type: "spki" });
  return { publicKey, privateKey, spki, sign: (bytes) => sign(hash, bytes, privateKey) };
}

/** An extension of a certificate. */
export interface Extension {
  oid: string;
  isCritical?: boolean;
  value: Uint8Array;
}

/** What a certificate says. */
export interface CertificateOptions {
  subject: string;
  spki: Uint8Array;
  issuer: { name: string; key: KeyPair };
  notBefore: Date;
  notAfter: Date;
  extensions: readonly Extension[];
  /** Positive. */
  serial: number;
}

export const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));

/** A name of one part, the common name; of none if it is empty. */
export function distinguishedName(commonName: string): Buffer {
  return sequence(...(commonName === "" ? [] : [set(sequence(oid("2.5.4.3"), utf8(commonName)))]));
}

/** What of a certificate is signed (RFC 5280, section 4.1.2). */
export function toBeSigned(
  { subject, spki, issuer, notBefore, notAfter, extensions, serial }: CertificateOptions,
): Buffer {
  return sequence(
    explicit(0, integer(2)),
    integer(serial),
    ECDSA_SHA256,
    distinguishedName(issuer.name),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(subject),
    spki,
    explicit(
      3,
      sequence(
        ...extensions.map(({ oid: number, isCritical, value }) =>
          sequence(oid(number), ...(isCritical ? [boolean(true)] : []), octets(value))
        ),
      ),
    ),
  );
}

/** A certificate, DER. */
export function makeCertificate(options: CertificateOptions): Buffer {
  const signed = toBeSigned(options);
  return sequence(signed, ECDSA_SHA256, bits(options.issuer.key.sign(signed)));
}

/** PEM of a certificate. */
export function pemOf(der: Uint8Array, label = "CERTIFICATE"): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** What the certificate of an authority says of itself. */
export function authorityExtensions(spki: Uint8Array): Extension[] {
  return [
    { oid: "2.5.29.19", isCritical: true, value: sequence(boolean(true)) },
    // keyCertSign and cRLSign
    { oid: "2.5.29.15", isCritical: true, value: bits(Buffer.from([0x06]), 1) },
    { oid: "2.5.29.14", value: octets(keyIdentifier(spki)) },
  ];
}

export const DIGITAL_SIGNATURE: Extension = {
  oid: "2.5.29.15",
  isCritical: true,
  value: bits(Buffer.from([0x80]), 7),
};

export const KEY_ENCIPHERMENT: Extension = { ...DIGITAL_SIGNATURE, value: bits(Buffer.from([0x20]), 5) };

/** What a key is for, by the numbers of the usages. */
export function extendedKeyUsage(usages: readonly string[], isCritical = false): Extension {
  return { oid: "2.5.29.37", isCritical, value: sequence(...usages.map(oid)) };
}

/** Which key has signed the certificate. */
export function authorityKeyIdentifier(spki: Uint8Array): Extension {
  return { oid: "2.5.29.35", value: sequence(implicit(0, keyIdentifier(spki))) };
}

/** Whom a certificate is for: an address of mail, a URI, or a user name as Fulcio writes it. */
export function alternativeName(name: { email: string } | { uri: string } | { userName: string }): Extension {
  const generalName = "email" in name
    ? implicit(1, Buffer.from(name.email))
    : "uri" in name
    ? implicit(6, Buffer.from(name.uri))
    : explicit(0, oid("1.3.6.1.4.1.57264.1.7"), explicit(0, utf8(name.userName)));
  return { oid: "2.5.29.17", isCritical: true, value: sequence(generalName) };
}

function keyIdentifier(spki: Uint8Array): Buffer {
  return createHash("sha1").update(spki).digest();
}
