import { encode, Tagged } from "cborg";
import { Buffer } from "node:buffer";
import { createPublicKey, sign } from "node:crypto";
import type { AttachedArtifact, SignatureEvidence, VerifyAnswer, VerifyTrust } from "../../lib/plugin/contract.ts";
import { type Holder, makeAuthority, makeCertificate, NOW, sha256 } from "./_certificates_testing.ts";
import { algorithmOf, withScheme } from "./algorithm.ts";
import { verify } from "./verify.ts";

const MANIFEST = Buffer.from('{"schemaVersion":2,"layers":[]}');

/** The image that signatures are about. */
export const IMAGE = {
  reference: "registry.example.org/team/app:v1",
  subject: {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: `sha256:${sha256(MANIFEST)}`,
    size: MANIFEST.length,
  },
};

export const PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json";
export const SCHEME = "io.cncf.notary.signingScheme";
export const SIGNING_TIME = "io.cncf.notary.signingTime";
export const AUTHENTIC_TIME = "io.cncf.notary.authenticSigningTime";
export const EXPIRY = "io.cncf.notary.expiry";

/** The two kinds of envelopes. */
export const FORMATS = ["JWS", "COSE"] as const;
export type Format = typeof FORMATS[number];

/** Somebody who signs, and the authorities above. */
export interface Signer {
  leaf: Holder;
  /** The certificates as they go into an envelope. */
  chain: readonly Holder[];
  root: Holder;
}

/** Makes a signer below a root of its own. */
export function makeSigner(traits: Parameters<typeof makeCertificate>[0] = {}): Signer {
  const root = makeAuthority("root");
  const leaf = makeCertificate({ issuer: root, ...traits });
  return { leaf, chain: [leaf, root], root };
}

/** What an envelope has in place of what a good one has. Times are ISO texts, whatever the envelope. */
export interface Parts {
  format?: Format;
  /** Headers; those that are `undefined` are left out. */
  headers?: Readonly<Record<string, unknown>>;
  critical?: readonly unknown[] | undefined;
  contentType?: unknown;
  payload?: unknown;
  chain?: readonly (Holder | Uint8Array)[];
  timestamp?(signature: Uint8Array): Uint8Array;
  /** What is put into the envelope after it was signed. */
  changed?: { payload?: unknown };
}

const TIMES: readonly string[] = [SIGNING_TIME, AUTHENTIC_TIME, EXPIRY];

/** Makes a signature's envelope. */
export function makeEnvelope(signer: Signer, parts: Parts = {}): Buffer {
  const headers = { [SCHEME]: "notary.x509", [SIGNING_TIME]: "2026-05-01T00:00:00Z", ...parts.headers };
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  const critical = "critical" in parts ? parts.critical : [SCHEME, ...(EXPIRY in given ? [EXPIRY] : [])];
  const full: Full = {
    headers: given,
    critical,
    contentType: "contentType" in parts ? parts.contentType : PAYLOAD_TYPE,
    payload: jsonOf(parts.payload ?? { targetArtifact: IMAGE.subject }),
    chain: (parts.chain ?? signer.chain).map((each) => "der" in each ? each.der : Buffer.from(each)),
    ...(parts.changed?.payload !== undefined && { changed: jsonOf(parts.changed.payload) }),
    ...(parts.timestamp && { timestamp: parts.timestamp }),
  };
  return parts.format === "COSE" ? makeCose(signer, full) : makeJws(signer, full);
}

interface Full {
  headers: Readonly<Record<string, unknown>>;
  critical: readonly unknown[] | undefined;
  contentType: unknown;
  payload: Buffer;
  chain: readonly Buffer[];
  timestamp?(signature: Uint8Array): Uint8Array;
  changed?: Buffer;
}

function jsonOf(value: unknown): Buffer {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}

function signBytes({ leaf: { key } }: Signer, bytes: Uint8Array): Buffer {
  const algorithm = algorithmFor(key);
  return sign(algorithm.hash, bytes, withScheme(key, algorithm));
}

/** For keys that are too weak as well: their signatures have to be refused. */
function algorithmFor(key: Holder["key"]) {
  try {
    return algorithmOf(createPublicKey(key));
  } catch {
    const isRsa = key.asymmetricKeyType === "rsa";
    return { name: isRsa ? "PS256" : "ES256", hash: "sha256", cose: isRsa ? -37 : -7 } as const;
  }
}

function makeJws(signer: Signer, parts: Full): Buffer {
  const { headers, critical, contentType: cty, chain, payload } = parts;
  const alg = algorithmFor(signer.leaf.key).name;
  const signed = jsonOf({ alg, ...(critical && { crit: critical }), ...(cty !== undefined && { cty }), ...headers });
  const text = `${signed.toString("base64url")}.${payload.toString("base64url")}`;
  const signature = signBytes(signer, Buffer.from(text));
  return jsonOf({
    payload: (parts.changed ?? payload).toString("base64url"),
    protected: signed.toString("base64url"),
    header: {
      x5c: chain.map((each) => each.toString("base64")),
      ...(parts.timestamp && {
        "io.cncf.notary.timestampSignature": Buffer.from(parts.timestamp(signature)).toString("base64"),
      }),
    },
    signature: signature.toString("base64url"),
  });
}

function makeCose(signer: Signer, parts: Full): Buffer {
  const { headers, critical, contentType, chain, payload } = parts;
  const protectedBytes = encode(
    new Map<unknown, unknown>([
      [1, algorithmFor(signer.leaf.key).cose],
      ...(critical ? [[2, critical] as const] : []),
      ...(contentType === undefined ? [] : [[3, contentType] as const]),
      ...Object.entries(headers).map(([name, value]) =>
        [name, TIMES.includes(name) ? new Tagged(1, Date.parse(String(value)) / 1000) : value] as const
      ),
    ]),
  );
  const signature = signBytes(signer, encode(["Signature1", protectedBytes, new Uint8Array(), payload]));
  const unsigned = new Map<unknown, unknown>([
    [33, chain],
    ...(parts.timestamp ? [["io.cncf.notary.timestampSignature", parts.timestamp(signature)] as const] : []),
  ]);
  return Buffer.from(encode(new Tagged(18, [protectedBytes, unsigned, parts.changed ?? payload, signature])));
}

/** An artifact as satchel hands it to the plugin. */
export function makeArtifact(envelope: Uint8Array, format: Format = "JWS"): AttachedArtifact {
  return {
    descriptor: {
      mediaType: IMAGE.subject.mediaType,
      digest: `sha256:${sha256(Buffer.concat([Buffer.from("manifest"), envelope]))}`,
      size: 500,
    },
    artifactType: "application/vnd.cncf.notary.signature",
    manifest: Buffer.from("{}").toString("base64"),
    layers: [{
      descriptor: {
        mediaType: format === "JWS" ? "application/jose+json" : "application/cose",
        digest: `sha256:${sha256(envelope)}`,
        size: envelope.length,
      },
      data: Buffer.from(envelope).toString("base64"),
    }],
  };
}

/** A trust policy with one statement. */
export function makePolicy(statement: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    version: "1.0",
    trustPolicies: [{
      name: "images",
      registryScopes: ["*"],
      signatureVerification: { level: "strict" },
      trustStores: ["ca:example"],
      trustedIdentities: ["*"],
      ...statement,
    }],
  });
}

/** Judges envelopes that are all attached to {@link IMAGE}. */
export function judgeAll(
  envelopes: readonly { envelope: Uint8Array; format?: Format }[],
  trust: VerifyTrust,
  now = NOW,
): VerifyAnswer {
  const artifacts = envelopes.map(({ envelope, format }) => makeArtifact(envelope, format));
  return verify({ ...IMAGE, artifacts, trust }, now);
}

/** Makes one signature and judges it. */
export function judgeOne(signer: Signer, parts: Parts = {}, trust: VerifyTrust = {}, now = NOW): SignatureEvidence {
  const envelope = makeEnvelope(signer, parts);
  const full = { notationPolicy: makePolicy(), notationCertificates: [signer.root.pem], ...trust };
  const { verdict, evidence } = judgeAll([{ envelope, format: parts.format }], full, now);
  const [found] = evidence as unknown as SignatureEvidence[];
  if (found.isGood !== (verdict === "verified")) throw new Error(`${verdict}, and ${JSON.stringify(found)}`);
  return found;
}
