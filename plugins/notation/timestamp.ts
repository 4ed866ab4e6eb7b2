import { ASN1Obj } from "@sigstore/core";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { FormatError } from "../signing/format_error.ts";
import { isSignature } from "../signing/is_signature.ts";
import { type Certificate, isIssuedBy, readCertificate, thumbprint } from "./certificate.ts";
import { derOf } from "./der.ts";
import { checkChain, findInvalidAt } from "./chain.ts";

/** A time that an authority vouches for. */
export interface Timestamp {
  /** What it says. */
  time: Date;
  /** How exact it is: the times between which it lies. */
  earliest: Date;
  latest: Date;
  /** The certificates of the authority, to a root that is trusted. */
  chain: readonly Certificate[];
}

const OID = {
  signedData: "1.2.840.113549.1.7.2",
  tstInfo: "1.2.840.113549.1.9.16.1.4",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
  /** ETSI's policy for timestamps, by which they are exact to a second. */
  baselinePolicy: "0.4.0.2023.1.1",
};

const HASHES: Readonly<Record<string, string>> = {
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/** By what the attributes are signed: the hash, where the algorithm has one of its own. RSA is by PKCS #1. */
const SIGNATURES: Readonly<Record<string, { type: "rsa" | "ec"; hash?: string }>> = {
  "1.2.840.113549.1.1.1": { type: "rsa" },
  "1.2.840.113549.1.1.11": { type: "rsa", hash: "sha256" },
  "1.2.840.113549.1.1.12": { type: "rsa", hash: "sha384" },
  "1.2.840.113549.1.1.13": { type: "rsa", hash: "sha512" },
  "1.2.840.10045.4.3.2": { type: "ec", hash: "sha256" },
  "1.2.840.10045.4.3.3": { type: "ec", hash: "sha384" },
  "1.2.840.10045.4.3.4": { type: "ec", hash: "sha512" },
};

/** How many certificates a token may bring along. */
const MAX_CERTIFICATES = 16;

/** How many signatures of certificates are looked at to find a chain among them. */
const MAX_STEPS = 32;

/** The parts of a token (RFC 5652, 5.1). */
interface Token {
  /** TSTInfo, as it was hashed. */
  content: Buffer;
  certificates: Certificate[];
  signer: ASN1Obj;
}

/**
 * Verifies a timestamp: a TimeStampToken of RFC 3161, DER, with one signer whose certificate RFC 5816 names in it.
 *
 * @param stamped what it has to be over
 * @param trusted roots of timestamp authorities
 * @throws {FormatError}
 */
export function verifyTimestamp(
  token: Uint8Array,
  stamped: Uint8Array,
  trusted: readonly Certificate[],
): Timestamp {
  try {
    return read(token, stamped, trusted);
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError("it cannot be read");
  }
}

function read(bytes: Uint8Array, stamped: Uint8Array, trusted: readonly Certificate[]): Timestamp {
  const { content, certificates, signer } = readToken(bytes);
  const certificate = verifySigner(signer, content, certificates);
  const times = readInfo(content, stamped);
  if (trusted.length === 0) throw new FormatError("no certificate of a timestamp authority is trusted");
  const search = { tried: new Set<string>(), left: MAX_STEPS };
  const chain = findPath([certificate], [...trusted, ...certificates], new Set(trusted.map(thumbprint)), search);
  if (!chain) throw new FormatError("its authority is not trusted");
  checkChain(chain, "time");
  const invalid = findInvalidAt(chain, times.time);
  if (invalid !== undefined) throw new FormatError(`when it was made, ${invalid}`);
  return { ...times, chain };
}

function readToken(bytes: Uint8Array): Token {
  const [type, explicit] = ASN1Obj.parseBuffer(Buffer.from(bytes)).subs;
  if (type.toOID() !== OID.signedData) throw new FormatError("it is no signed data");
  const [signedData] = explicit.subs;
  const [, , { subs: [contentType, content] }, ...rest] = signedData.subs;
  if (contentType.toOID() !== OID.tstInfo) throw new FormatError("it is no timestamp");
  const [octets] = content.subs;
  if (!octets.tag.isOctetString()) throw new FormatError("it is no timestamp");
  const included = rest.find(({ tag }) => tag.isContextSpecific(0))?.subs ?? [];
  if (included.length > MAX_CERTIFICATES) throw new FormatError(`it has more than ${MAX_CERTIFICATES} certificates`);
  const signers = rest[rest.length - 1].subs;
  if (signers.length !== 1) throw new FormatError(`it has ${signers.length} signers, and one is expected`);
  return {
    content: octets.value,
    certificates: included.filter(({ tag }) => tag.isUniversal()).map((each) => readCertificate(derOf(each))),
    signer: signers[0],
  };
}

/** The certificate that has signed, if its signature is good (RFC 5652, 5.4 and 5.6). */
function verifySigner(signer: ASN1Obj, content: Buffer, certificates: readonly Certificate[]): Certificate {
  const [, identifier, digestAlgorithm, attributes, signatureAlgorithm, signature] = signer.subs;
  if (!attributes.tag.isContextSpecific(0)) throw new FormatError("it has no signed attributes");
  const hash = hashOf(digestAlgorithm);
  if (attribute(attributes, OID.contentType).toOID() !== OID.tstInfo) throw new FormatError("it is no timestamp");
  if (!attribute(attributes, OID.messageDigest).value.equals(createHash(hash).update(content).digest())) {
    throw new FormatError("its content was changed");
  }
  const certificate = certificates.find((each) => isNamed(each, attribute(attributes, OID.signingCertificateV2)));
  if (!certificate) throw new FormatError("the certificate of its authority is not in it");
  const [issuer, serialNumber] = identifier.subs;
  if (!certificate.issuer.equals(issuer.value) || !certificate.serialNumber.equals(serialNumber.value)) {
    throw new FormatError("it names two certificates");
  }
  const oid = signatureAlgorithm.subs[0].toOID();
  if (!Object.hasOwn(SIGNATURES, oid)) {
    throw new FormatError(`it is signed by an algorithm that is not supported, ${oid}`);
  }
  const { type, hash: own = hash } = SIGNATURES[oid];
  // What is signed is the set itself, not what it stands as in the signer (RFC 5652, 5.4).
  const signed = derOf(attributes);
  signed[0] = 0x31;
  const { key } = certificate;
  if (key.asymmetricKeyType !== type || own !== hash || !isSignature(hash, signed, key, signature.value)) {
    throw new FormatError("its signature is wrong");
  }
  return certificate;
}

/** The one value of an attribute. */
function attribute(attributes: ASN1Obj, oid: string): ASN1Obj {
  const found = attributes.subs.filter(({ subs }) => subs[0].toOID() === oid);
  const values = found.flatMap(({ subs }) => subs[1].subs);
  if (found.length !== 1 || values.length !== 1) throw new FormatError(`it lacks the signed attribute ${oid}`);
  return values[0];
}

/** Whether `SigningCertificateV2` (RFC 5035, 4) names a certificate: by its hash. */
function isNamed({ der }: Certificate, { subs: [identifiers] }: ASN1Obj): boolean {
  const [first, second] = identifiers.subs[0].subs;
  const [hash, value] = first.tag.isOctetString() ? ["sha256", first] : [hashOf(first), second];
  return value.value.equals(createHash(hash).update(der).digest());
}

function hashOf({ subs: [oid] }: ASN1Obj): string {
  const name = oid.toOID();
  if (!Object.hasOwn(HASHES, name)) throw new FormatError(`it hashes by an algorithm that is not supported, ${name}`);
  return HASHES[name];
}

/** RFC 3161, 2.4.2. */
function readInfo(content: Buffer, stamped: Uint8Array): Omit<Timestamp, "chain"> {
  const [version, policy, imprint, , generated, ...rest] = ASN1Obj.parseBuffer(Buffer.from(content)).subs;
  if (version.toInteger() !== 1n) throw new FormatError("it is not of version 1");
  const [algorithm, hashed] = imprint.subs;
  if (!hashed.value.equals(createHash(hashOf(algorithm)).update(stamped).digest())) {
    throw new FormatError("it is for another signature");
  }
  const time = timeOf(generated);
  const [next] = rest;
  // SEQUENCE: whatever else may follow is of another kind.
  const accuracy = next?.tag.isUniversal() && next.tag.number === 0x10 ? accuracyOf(next) : 0;
  const margin = accuracy === 0 && policy.toOID() === OID.baselinePolicy ? 1000 : accuracy;
  return { time, earliest: new Date(time.getTime() - margin), latest: new Date(time.getTime() + margin) };
}

const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/;

function timeOf({ tag, value }: ASN1Obj): Date {
  const found = tag.isGeneralizedTime() ? GENERALIZED_TIME.exec(value.toString("latin1")) : null;
  if (!found) throw new FormatError("its time cannot be read");
  const [, year, month, day, hour, minute, second, fraction = ""] = found;
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}Z`);
  if (Number.isNaN(time.getTime())) throw new FormatError("its time does not exist");
  return time;
}

/** Milliseconds, up to the next whole one. */
function accuracyOf({ subs }: ASN1Obj): number {
  return subs.reduce((sum, { tag, value }) => {
    const part = value.length > 0 && value.length <= 4 ? value.readIntBE(0, value.length) : Number.NaN;
    if (!(part >= 0)) throw new FormatError("its accuracy cannot be read");
    if (tag.isInteger()) return sum + part * 1000;
    return tag.isContextSpecific(0) ? sum + part : sum + Math.ceil(part / 1000);
  }, 0);
}

/**
 * A chain to a root that is trusted. Each certificate is tried once, and no more signatures are looked at than a chain could need: they may
 * all have the same name.
 */
function findPath(
  path: readonly Certificate[],
  candidates: readonly Certificate[],
  trusted: ReadonlySet<string>,
  search: { tried: Set<string>; left: number },
): Certificate[] | undefined {
  const last = path[path.length - 1];
  search.tried.add(thumbprint(last));
  if (isIssuedBy(last, last)) return trusted.has(thumbprint(last)) ? [...path] : undefined;
  for (const next of candidates) {
    if (search.tried.has(thumbprint(next)) || !last.issuer.equals(next.subject)) continue;
    if (search.left-- <= 0) throw new FormatError("its certificates can be put together in too many ways");
    const found = isIssuedBy(last, next) ? findPath([...path, next], candidates, trusted, search) : undefined;
    if (found) return found;
  }
  return undefined;
}
