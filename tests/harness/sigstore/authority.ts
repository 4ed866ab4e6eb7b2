import { Buffer } from "node:buffer";
import { randomInt } from "node:crypto";
import {
  alternativeName,
  authorityExtensions,
  authorityKeyIdentifier,
  type CertificateOptions,
  DIGITAL_SIGNATURE,
  extendedKeyUsage,
  type Extension,
  type KeyPair,
  makeCertificate,
  makeKeyPair,
} from "./certificate.ts";
import { utf8 } from "./der.ts";
import { type CertificateLog, makeCertificateLog, makeLog, makeRekor2, type TransparencyLog } from "./logs.ts";
import { makeTimestampAuthority, type TimestampAuthority } from "./timestamps.ts";

/** A Sigstore of the test's own: who certifies, who logs, and who tells the time. */
export interface Sigstore {
  log: TransparencyLog;
  rekor2: TransparencyLog;
  certificateLog: CertificateLog;
  timestamps: TimestampAuthority;
  /** The authorities, from the one that issues to the root, DER. */
  authorities: readonly Buffer[];
  /** Certifies a key as Fulcio does. */
  certify(key: KeyPair | Pick<KeyPair, "spki">, options?: CertifyOptions): Buffer;
  /** What others have to know of it: `sigstore_trustroot.proto`. */
  trustedRoot(): TrustedRootJson;
}

/** What {@link Sigstore.certify} says of somebody. */
export interface CertifyOptions {
  name?: Parameters<typeof alternativeName>[0];
  /** Who vouches for that; `null` for nobody. */
  issuer?: string | null;
  /** Whether the issuer is written as older Fulcios did. */
  isOlder?: boolean;
  notBefore?: Date;
  /** Default: ten minutes later. */
  notAfter?: Date;
  usages?: readonly string[];
  /** What the key is for besides. Default: signatures. */
  keyUsage?: Extension;
  /** Further extensions. */
  extensions?: readonly Extension[];
  /** Whether it is in the log of certificates. Default: yes. */
  isLogged?: boolean;
}

/** JSON of a trusted root, whose parts a test may change. */
export interface TrustedRootJson {
  mediaType: string;
  tlogs: unknown[];
  certificateAuthorities: unknown[];
  ctlogs: unknown[];
  timestampAuthorities: unknown[];
}

export const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
export const PERSON = { email: "someone@example.org" };
export const PROVIDER = "https://accounts.example.org";

/** When things are signed, if a test does not say. */
export const SIGNING_TIME = new Date("2026-05-06T07:08:09Z");

const TEN_MINUTES = 600_000;
const VALID = { notBefore: new Date("2020-01-01"), notAfter: new Date("2120-01-01") };

/** Makes one. */
export function makeSigstore(logUrl?: string): Sigstore {
  const log = makeLog(logUrl);
  const rekor2 = makeRekor2(logUrl);
  const certificateLog = makeCertificateLog();
  const timestamps = makeTimestampAuthority();
  const root = { name: "Test root", key: makeKeyPair() };
  const issuing = { name: "Test issuing authority", key: makeKeyPair() };
  const authority = (subject: typeof root, issuer: typeof root) =>
    makeCertificate({
      ...VALID,
      serial: 1,
      subject: subject.name,
      spki: subject.key.spki,
      issuer,
      extensions: [...authorityExtensions(subject.key.spki), authorityKeyIdentifier(issuer.key.spki)],
    });
  const authorities = [authority(issuing, root), authority(root, root)];
  return {
    log,
    rekor2,
    certificateLog,
    timestamps,
    authorities,
    certify(key, { isLogged = true, ...options } = {}) {
      const unlogged: CertificateOptions = { ...certificateFor(options), spki: key.spki, issuer: issuing };
      const promise = certificateLog.promise(unlogged, unlogged.notBefore);
      return makeCertificate(isLogged ? { ...unlogged, extensions: [...unlogged.extensions, promise] } : unlogged);
    },
    trustedRoot: () => ({
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [logJson(log), logJson(rekor2)],
      certificateAuthorities: [authorityJson(authorities, "https://fulcio.example.org")],
      ctlogs: [logJson(certificateLog)],
      timestampAuthorities: [authorityJson(timestamps.certificates, "https://timestamps.example.org")],
    }),
  };
}

function certificateFor(options: Omit<CertifyOptions, "isLogged">): Omit<CertificateOptions, "spki" | "issuer"> {
  const { name = PERSON, issuer = PROVIDER, isOlder = false, usages = [CODE_SIGNING], extensions = [] } = options;
  const { keyUsage = DIGITAL_SIGNATURE } = options;
  const notBefore = options.notBefore ?? new Date(SIGNING_TIME.getTime() - 1000);
  const vouching = issuer === null ? [] : [
    { oid: "1.3.6.1.4.1.57264.1.1", value: Buffer.from(issuer) },
    ...(isOlder ? [] : [{ oid: "1.3.6.1.4.1.57264.1.8", value: utf8(issuer) }]),
  ];
  return {
    serial: 1 + randomInt(2 ** 40),
    subject: "",
    notBefore,
    notAfter: options.notAfter ?? new Date(notBefore.getTime() + TEN_MINUTES),
    extensions: [
      keyUsage,
      ...(usages.length > 0 ? [extendedKeyUsage(usages)] : []),
      alternativeName(name),
      ...vouching,
      ...extensions,
    ],
  };
}

function logJson({ url, key, id, keyDetails }: Omit<TransparencyLog, "add">): unknown {
  return {
    baseUrl: url,
    hashAlgorithm: "SHA2_256",
    publicKey: {
      rawBytes: key.spki.toString("base64"),
      keyDetails,
      validFor: { start: VALID.notBefore.toISOString() },
    },
    logId: { keyId: id.toString("base64") },
  };
}

function authorityJson(certificates: readonly Buffer[], uri: string): unknown {
  return {
    subject: { organization: "test", commonName: "test" },
    uri,
    certChain: { certificates: certificates.map((bytes) => ({ rawBytes: bytes.toString("base64") })) },
    validFor: { start: VALID.notBefore.toISOString() },
  };
}
