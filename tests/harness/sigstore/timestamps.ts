import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  authorityExtensions,
  authorityKeyIdentifier,
  DIGITAL_SIGNATURE,
  distinguishedName,
  ECDSA_SHA256,
  extendedKeyUsage,
  type KeyPair,
  makeCertificate,
  makeKeyPair,
} from "./certificate.ts";
import { explicit, generalizedTime, integer, octets, oid, sequence, set } from "./der.ts";

/** A timestamp authority (RFC 3161). */
export interface TimestampAuthority {
  /** Its own certificate first, then that of who has issued it, DER. */
  certificates: readonly Buffer[];
  /** A response for some bytes, DER. */
  stamp(bytes: Uint8Array, at: Date, nonce?: bigint): Buffer;
  /** A response for the hash of some bytes. */
  stampHash(hash: Uint8Array, at: Date, nonce?: bigint): Buffer;
}

const SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"));
const TIMESTAMP_INFO = "1.2.840.113549.1.9.16.1.4";
const SERIAL = 4711;
const ISSUER = "Test timestamp root";

/** Makes one, with certificates that are valid for a long time. */
export function makeTimestampAuthority(usages: readonly string[] = ["1.3.6.1.5.5.7.3.8"]): TimestampAuthority {
  const root = makeKeyPair();
  const key = makeKeyPair();
  const valid = { notBefore: new Date("2020-01-01"), notAfter: new Date("2120-01-01") };
  const issuer = { name: ISSUER, key: root };
  const authority = {
    ...valid,
    subject: ISSUER,
    spki: root.spki,
    issuer,
    serial: 1,
    extensions: authorityExtensions(root.spki),
  };
  const own = makeCertificate({
    ...valid,
    subject: "Test timestamps",
    spki: key.spki,
    issuer,
    serial: SERIAL,
    extensions: [DIGITAL_SIGNATURE, extendedKeyUsage(usages, true), authorityKeyIdentifier(root.spki)],
  });
  const stampHash = (hash: Uint8Array, at: Date, nonce?: bigint) => respond(key, own, hash, at, nonce);
  return {
    certificates: [own, makeCertificate(authority)],
    stampHash,
    stamp: (bytes, at, nonce) => stampHash(createHash("sha256").update(bytes).digest(), at, nonce),
  };
}

function respond(key: KeyPair, certificate: Buffer, hash: Uint8Array, at: Date, nonce: bigint | undefined): Buffer {
  const info = sequence(
    integer(1),
    oid("1.3.6.1.4.1.57264.2"),
    sequence(SHA256, octets(hash)),
    integer(1),
    generalizedTime(at),
    ...(nonce === undefined ? [] : [integer(nonce)]),
  );
  const attribute = (number: string, value: Uint8Array) => sequence(oid(number), set(value));
  const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
  const attributes = Buffer.concat([
    attribute("1.2.840.113549.1.9.3", oid(TIMESTAMP_INFO)),
    attribute("1.2.840.113549.1.9.4", octets(digest(info))),
    // Which certificate it is by (RFC 5816).
    attribute("1.2.840.113549.1.9.16.2.47", sequence(sequence(sequence(octets(digest(certificate)))))),
  ]);
  const signerInfo = sequence(
    integer(1),
    sequence(distinguishedName(ISSUER), integer(SERIAL)),
    SHA256,
    explicit(0, attributes),
    ECDSA_SHA256,
    octets(key.sign(set(attributes))),
  );
  const signedData = sequence(
    integer(3),
    set(SHA256),
    sequence(oid(TIMESTAMP_INFO), explicit(0, octets(info))),
    explicit(0, certificate),
    set(signerInfo),
  );
  return sequence(sequence(integer(0)), sequence(oid("1.2.840.113549.1.7.2"), explicit(0, signedData)));
}
