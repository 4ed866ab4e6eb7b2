import type { ASN1Obj } from "@sigstore/core";
import { constants, type KeyObject } from "node:crypto";

/** How a certificate is signed. */
export interface CertificateAlgorithm {
  /** What kind of key that takes. */
  type: "rsa" | "ec";
  hash: "sha256" | "sha384" | "sha512";
  /** RSASSA-PSS in place of PKCS #1 v1.5. */
  isPss?: true;
}

/** Those without parameters of their own (RFC 4055, RFC 5758). SHA-1 is not among them. */
const ALGORITHMS: Readonly<Record<string, CertificateAlgorithm>> = {
  "1.2.840.113549.1.1.11": { type: "rsa", hash: "sha256" },
  "1.2.840.113549.1.1.12": { type: "rsa", hash: "sha384" },
  "1.2.840.113549.1.1.13": { type: "rsa", hash: "sha512" },
  "1.2.840.10045.4.3.2": { type: "ec", hash: "sha256" },
  "1.2.840.10045.4.3.3": { type: "ec", hash: "sha384" },
  "1.2.840.10045.4.3.4": { type: "ec", hash: "sha512" },
};

const PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";

const HASHES: Readonly<Record<string, CertificateAlgorithm["hash"]>> = {
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/** Reads an algorithm identifier; `undefined` if it is none that is good. */
export function readAlgorithm({ subs: [oid, parameters] }: ASN1Obj): CertificateAlgorithm | undefined {
  const name = oid.toOID();
  if (name === PSS) return parameters && readPss(parameters);
  return Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
}

/** RSASSA-PSS (RFC 4055, 3.1) with one hash for all, and a salt as long as that, as everybody makes it. What is left out would be SHA-1. */
function readPss({ subs }: ASN1Obj): CertificateAlgorithm | undefined {
  if (subs.length !== 3 || !subs.every(({ tag }, position) => tag.isContextSpecific(position))) return undefined;
  const [[digest], [mask], [salt]] = subs.map((each) => each.subs);
  const [maskName, maskDigest] = mask.subs;
  const hash = hashOf(digest);
  if (hash === undefined || maskName.toOID() !== MGF1 || hashOf(maskDigest) !== hash) return undefined;
  return salt.toInteger() === BigInt(saltLength(hash)) ? { type: "rsa", hash, isPss: true } : undefined;
}

function hashOf({ subs: [oid] }: ASN1Obj): CertificateAlgorithm["hash"] | undefined {
  const name = oid.toOID();
  return Object.hasOwn(HASHES, name) ? HASHES[name] : undefined;
}

function saltLength(hash: CertificateAlgorithm["hash"]): number {
  return Number(hash.slice(3)) / 8;
}

/** How `node:crypto` is told of it. */
export function withAlgorithm(key: KeyObject, { hash, isPss }: CertificateAlgorithm) {
  return isPss ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltLength(hash) } : key;
}
