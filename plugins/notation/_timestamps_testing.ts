import { Buffer } from "node:buffer";
import { createHash, sign } from "node:crypto";
import {
  basicConstraints,
  type CertificateTraits,
  der,
  extendedKeyUsage,
  type Holder,
  integer,
  keyUsage,
  makeAuthority,
  makeCertificate,
  objectIdentifier,
  octets,
  Purpose,
  sequence,
  set,
  Usage,
} from "./_certificates_testing.ts";

const OID = {
  signedData: "1.2.840.113549.1.7.2",
  tstInfo: "1.2.840.113549.1.9.16.1.4",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
  sha256: "2.16.840.1.101.3.4.2.1",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
};

const TIME_SIGNER = [
  basicConstraints(false),
  keyUsage([Usage.digitalSignature]),
  extendedKeyUsage([Purpose.timeStamping], true),
];

/** A timestamp authority. */
export interface TimeAuthority {
  root: Holder;
  leaf: Holder;
}

export function makeTimeAuthority(traits: CertificateTraits = {}): TimeAuthority {
  const root = makeAuthority("time root");
  const name = [["C", "US"], ["CN", "time"]] as const;
  return { root, leaf: makeCertificate({ issuer: root, name, extensions: TIME_SIGNER, ...traits }) };
}

/** What a token has in place of what a good one has. */
export interface TokenParts {
  /** As in TSTInfo: `20260501000000Z`. */
  time?: string;
  /** Seconds. */
  accuracy?: number;
  policy?: string;
  version?: number;
  certificates?: readonly Holder[];
  /** Which certificate the attributes name, and which one is named beside them. */
  named?: Holder;
  identified?: Holder;
  /** Whose key it is signed by. */
  signer?: Holder;
  contentType?: string;
  /** TSTInfo that is put in after the token was signed. */
  changed?: { time: string };
  signers?: 0 | 1 | 2;
}

/** Makes a TimeStampToken (RFC 3161) over a signature. */
export function makeToken({ leaf, root }: TimeAuthority, stamped: Uint8Array, parts: TokenParts = {}): Buffer {
  const { named = leaf, signer = leaf, certificates = [leaf, root], contentType = OID.tstInfo, signers = 1 } = parts;
  const info = (time: string) =>
    sequence(
      integer(parts.version ?? 1),
      objectIdentifier(parts.policy ?? "1.2.3.4"),
      sequence(algorithm(OID.sha256), octets(hash(stamped))),
      integer(1),
      der(0x18, Buffer.from(time)),
      ...(parts.accuracy === undefined ? [] : [sequence(integer(parts.accuracy))]),
    );
  const content = info(parts.time ?? "20260501000000Z");
  const attributes = [
    attribute(OID.contentType, objectIdentifier(contentType)),
    attribute(OID.messageDigest, octets(hash(content))),
    attribute(OID.signingCertificateV2, sequence(sequence(sequence(octets(hash(named.der)))))),
  ];
  const signerInfo = sequence(
    integer(1),
    sequence(issuerOf(parts.identified ?? named, { leaf, root }), integer(1)),
    algorithm(OID.sha256),
    der(0xa0, ...attributes),
    algorithm(OID.ecdsaWithSha256),
    octets(sign("sha256", set(...attributes), signer.key)),
  );
  const put = parts.changed ? info(parts.changed.time) : content;
  const signedData = sequence(
    integer(3),
    set(algorithm(OID.sha256)),
    sequence(objectIdentifier(contentType), der(0xa0, octets(put))),
    der(0xa0, ...certificates.map((each) => each.der)),
    set(...Array.from({ length: signers }, () => signerInfo)),
  );
  return sequence(objectIdentifier(OID.signedData), der(0xa0, signedData));
}

function issuerOf(holder: Holder, { leaf, root }: TimeAuthority): Buffer {
  return holder === leaf ? root.name : holder.name;
}

function attribute(oid: string, value: Buffer): Buffer {
  return sequence(objectIdentifier(oid), set(value));
}

function algorithm(oid: string): Buffer {
  return sequence(objectIdentifier(oid));
}

function hash(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
