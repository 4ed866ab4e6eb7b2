import { Buffer } from "node:buffer";
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { RSA_KEYS } from "./_rsa_keys_testing.ts";

/** Kinds of keys: the curve, or how many bits RSA has. */
export type KeyKind = "P-256" | "P-384" | "P-521" | "secp256k1" | 1024 | 2048 | 3072 | 4096;

/** A certificate with the key that it is for. */
export interface Holder {
  der: Buffer;
  pem: string;
  key: KeyObject;
  name: Buffer;
}

/** What a certificate is like. Default: that of somebody who signs code, by P-256, valid in 2026. */
export interface CertificateTraits {
  /** Attributes of the name, in their order: `["CN", "signer"]`, or `["CN", DER of the value]`. */
  name?: readonly (readonly [string, string | Buffer])[];
  key?: KeyKind;
  issuer?: Holder;
  notBefore?: string;
  notAfter?: string;
  serial?: number;
  /** The hash that it is signed over; SHA-1 is for those that have to be refused. */
  hash?: "sha1" | "sha256" | "sha384" | "sha512";
  /** RSASSA-PSS with a salt of this many bytes, in place of PKCS #1 v1.5. */
  pssSalt?: number;
  version?: number;
  /** DER of extensions, in place of those of its kind. */
  extensions?: readonly Buffer[];
  /** Changes what is signed, before it is. */
  change?(tbs: Buffer): Buffer;
}

export const NOW = new Date("2026-06-01T12:00:00Z");
const NOT_BEFORE = "2026-01-01T00:00:00Z";
const NOT_AFTER = "2026-12-31T23:59:59Z";

const OIDS: Readonly<Record<string, string>> = {
  CN: "2.5.4.3",
  SERIALNUMBER: "2.5.4.5",
  C: "2.5.4.6",
  L: "2.5.4.7",
  ST: "2.5.4.8",
  O: "2.5.4.10",
  OU: "2.5.4.11",
  email: "1.2.840.113549.1.9.1",
};

export const Purpose = {
  any: "2.5.29.37.0",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  emailProtection: "1.3.6.1.5.5.7.3.4",
  timeStamping: "1.3.6.1.5.5.7.3.8",
};

/** Key usages by the position of their bits. */
export const Usage = { digitalSignature: 0, keyEncipherment: 2, keyCertSign: 5, cRLSign: 6 };

/** An ASN.1 value with its tag. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  if (size < 0x80) return Buffer.concat([Buffer.from([tag, size]), content]);
  const length = size < 0x100 ? [0x81, size] : size < 0x10000 ? [0x82, size >> 8, size & 0xff] : [
    0x83,
    size >> 16,
    (size >> 8) & 0xff,
    size & 0xff,
  ];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

export const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]) => der(0x31, ...parts);
export const octets = (bytes: Uint8Array) => der(0x04, bytes);
export const integer = (value: number) => der(0x02, Buffer.from(value < 0x80 ? [value] : [0, value]));
const TRUE = der(0x01, Buffer.from([0xff]));

export function objectIdentifier(text: string): Buffer {
  const [first, second, ...others] = text.split(".").map(Number);
  const arcs = [first * 40 + second, ...others];
  return der(0x06, Buffer.from(arcs.flatMap(base128)));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

export function utf8(text: string): Buffer {
  return der(0x0c, Buffer.from(text));
}

function nameOf(attributes: readonly (readonly [string, string | Buffer])[]): Buffer {
  return sequence(
    ...attributes.map(([type, value]) =>
      set(sequence(objectIdentifier(OIDS[type]), typeof value === "string" ? utf8(value) : value))
    ),
  );
}

function time(text: string): Buffer {
  return der(0x18, Buffer.from(text.replace(/[-:T]/g, "")));
}

export function extension(oid: string, value: Buffer, isCritical = false): Buffer {
  return sequence(objectIdentifier(oid), ...(isCritical ? [TRUE] : []), octets(value));
}

export function keyUsage(bits: readonly number[], isCritical = true): Buffer {
  const byte = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  return extension("2.5.29.15", der(0x03, Buffer.from([0, byte])), isCritical);
}

export function extendedKeyUsage(purposes: readonly string[], isCritical = false): Buffer {
  return extension("2.5.29.37", sequence(...purposes.map(objectIdentifier)), isCritical);
}

export function basicConstraints(isAuthority: boolean, pathLength?: number, isCritical = true): Buffer {
  const parts = [...(isAuthority ? [TRUE] : []), ...(pathLength === undefined ? [] : [integer(pathLength)])];
  return extension("2.5.29.19", sequence(...parts), isCritical);
}

/** Where it can be asked whether a certificate has been revoked. */
export function ocsp(): Buffer {
  const location = der(0x86, Buffer.from("http://ocsp.example.org"));
  return extension("1.3.6.1.5.5.7.1.1", sequence(sequence(objectIdentifier("1.3.6.1.5.5.7.48.1"), location)));
}

export const CODE_SIGNER = [
  basicConstraints(false),
  keyUsage([Usage.digitalSignature]),
  extendedKeyUsage([Purpose.codeSigning]),
];
export const AUTHORITY = [basicConstraints(true), keyUsage([Usage.keyCertSign, Usage.cRLSign])];

const ALGORITHMS = {
  rsa: {
    sha1: "1.2.840.113549.1.1.5",
    sha256: "1.2.840.113549.1.1.11",
    sha384: "1.2.840.113549.1.1.12",
    sha512: "1.2.840.113549.1.1.13",
  },
  ec: {
    sha1: "1.2.840.10045.4.1",
    sha256: "1.2.840.10045.4.3.2",
    sha384: "1.2.840.10045.4.3.3",
    sha512: "1.2.840.10045.4.3.4",
  },
};

function makeKey(kind: KeyKind): KeyObject {
  if (typeof kind === "string") return generateKeyPairSync("ec", { namedCurve: kind }).privateKey;
  return createPrivateKey(RSA_KEYS[kind]);
}

/** Makes a certificate. */
export function makeCertificate(traits: CertificateTraits = {}): Holder {
  const { name: attributes = subject("signer"), key: kind = "P-256", version = 3, hash = "sha256" } = traits;
  const key = makeKey(kind);
  const name = nameOf(attributes);
  const issuer = traits.issuer ?? { key, name };
  const type = issuer.key.asymmetricKeyType === "rsa" ? "rsa" : "ec";
  const algorithm = traits.pssSalt !== undefined
    ? pssAlgorithm(hash, traits.pssSalt)
    : sequence(objectIdentifier(ALGORITHMS[type][hash]), ...(type === "rsa" ? [der(0x05)] : []));
  const made = sequence(
    ...(version > 1 ? [der(0xa0, integer(version - 1))] : []),
    integer(traits.serial ?? 1),
    algorithm,
    issuer.name,
    sequence(time(traits.notBefore ?? NOT_BEFORE), time(traits.notAfter ?? NOT_AFTER)),
    name,
    publicKeyOf(key),
    ...(version > 2 ? [der(0xa3, sequence(...(traits.extensions ?? CODE_SIGNER)))] : []),
  );
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const signingKey = traits.pssSalt === undefined
    ? issuer.key
    : { key: issuer.key, padding, saltLength: traits.pssSalt };
  const tbs = traits.change ? traits.change(made) : made;
  const bytes = sequence(tbs, algorithm, der(0x03, Buffer.from([0]), sign(hash, tbs, signingKey)));
  return { der: bytes, pem: pemOf(bytes), key, name };
}

const HASHES = {
  sha1: "1.3.14.3.2.26",
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
};

function pssAlgorithm(hash: keyof typeof HASHES, salt: number): Buffer {
  const digest = sequence(objectIdentifier(HASHES[hash]), der(0x05));
  const mask = sequence(objectIdentifier("1.2.840.113549.1.1.8"), digest);
  const parameters = sequence(der(0xa0, digest), der(0xa1, mask), der(0xa2, integer(salt)));
  return sequence(objectIdentifier("1.2.840.113549.1.1.10"), parameters);
}

function publicKeyOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: "der", type: "spki" });
}

export function pemOf(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** A name as the trust policies of the tests want it. */
export function subject(commonName: string): (readonly [string, string])[] {
  return [["C", "US"], ["ST", "WA"], ["O", "Example"], ["CN", commonName]];
}

export function makeAuthority(name: string, traits: CertificateTraits = {}): Holder {
  return makeCertificate({ name: subject(name), extensions: AUTHORITY, ...traits });
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
