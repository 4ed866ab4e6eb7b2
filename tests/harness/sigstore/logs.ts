import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  type CertificateOptions,
  type Extension,
  type KeyPair,
  makeEd25519KeyPair,
  makeKeyPair,
  toBeSigned,
} from "./certificate.ts";
import { octets } from "./der.ts";

/** An entry as bundles have it (`sigstore_rekor.proto`). */
export interface LogEntryJson {
  logIndex: string;
  logId: { keyId: string };
  kindVersion: { kind: string; version: string };
  integratedTime: string;
  inclusionPromise?: { signedEntryTimestamp: string };
  inclusionProof?: {
    logIndex: string;
    rootHash: string;
    treeSize: string;
    hashes: string[];
    checkpoint: { envelope: string };
  };
  canonicalizedBody: string;
}

/** What is logged: the body of an entry. */
export interface LogBody {
  apiVersion: string;
  kind: string;
  spec: unknown;
}

/** A transparency log. */
export interface TransparencyLog {
  url: string;
  key: KeyPair;
  /** How the trusted root calls it, 32 bytes. */
  id: Buffer;
  /** As `sigstore_common.proto` calls it. */
  keyDetails: string;
  /** Adds an entry, and proves that it is there. */
  add(body: LogBody, time: Date): LogEntryJson;
}

/** Makes a log as Rekor 1 is one: it has a key on a curve, and promises at once that an entry is there, and since when. */
export function makeLog(url = "https://rekor.example.org"): TransparencyLog {
  const key = makeKeyPair();
  const id = sha256(key.spki);
  const { hostname } = new URL(url);
  const tree = makeTree();
  return {
    url,
    key,
    id,
    keyDetails: "PKIX_ECDSA_P256_SHA_256",
    add(json, time) {
      const body = Buffer.from(canonical(json));
      const integratedTime = Math.floor(time.getTime() / 1000);
      // Its origin names the tree, too.
      const inclusionProof = tree.add(body, (note) => signedNote(`${hostname} - 4711\n${note}`, hostname, key, id));
      const logIndex = Number(inclusionProof.logIndex);
      const promise = { body: body.toString("base64"), integratedTime, logID: id.toString("hex"), logIndex };
      return {
        ...entryOf(json, body, id, inclusionProof),
        integratedTime: String(integratedTime),
        inclusionPromise: { signedEntryTimestamp: key.sign(Buffer.from(JSON.stringify(promise))).toString("base64") },
      };
    },
  };
}

/** Makes a log as Rekor 2 is one: it has a key of Ed25519, and tells no time. */
export function makeRekor2(url = "https://log.example.org"): TransparencyLog {
  const key = makeEd25519KeyPair();
  const { hostname } = new URL(url);
  const id = sha256(Buffer.from(`${hostname}\n`), Buffer.of(1), key.spki.subarray(-32));
  const tree = makeTree();
  return {
    url,
    key,
    id,
    keyDetails: "PKIX_ED25519",
    add(json) {
      const body = Buffer.from(canonical(json));
      const inclusionProof = tree.add(body, (note) => signedNote(`${hostname}\n${note}`, hostname, key, id));
      return { ...entryOf(json, body, id, inclusionProof), integratedTime: "0" };
    },
  };
}

type InclusionProof = NonNullable<LogEntryJson["inclusionProof"]>;

function entryOf({ kind, apiVersion }: LogBody, body: Buffer, id: Buffer, inclusionProof: InclusionProof) {
  return {
    logIndex: inclusionProof.logIndex,
    logId: { keyId: id.toString("base64") },
    kindVersion: { kind, version: apiVersion },
    inclusionProof,
    canonicalizedBody: body.toString("base64"),
  };
}

/** A Merkle tree that has some entries already. */
function makeTree() {
  const leaves = ["one", "two", "three", "four"].map((text) => hashLeaf(Buffer.from(text)));
  return {
    /** @param signed signs size and root */
    add(body: Buffer, signed: (note: string) => string): InclusionProof {
      const index = leaves.push(hashLeaf(body)) - 1;
      // An entry after it, so that the proof has hashes from both sides.
      leaves.push(hashLeaf(Buffer.from(`after ${index}`)));
      const rootHash = rootOf(leaves).toString("base64");
      return {
        logIndex: String(index),
        rootHash,
        treeSize: String(leaves.length),
        hashes: pathTo(index, leaves).map((hash) => hash.toString("base64")),
        checkpoint: { envelope: signed(`${leaves.length}\n${rootHash}\n`) },
      };
    },
  };
}

/** A signed note, `c2sp.org/signed-note`. */
function signedNote(note: string, name: string, key: KeyPair, id: Buffer): string {
  const signature = Buffer.concat([id.subarray(0, 4), key.sign(Buffer.from(note))]);
  return `${note}\n\u2014 ${name} ${signature.toString("base64")}\n`;
}

/** JSON with the members in their order (RFC 8785, for what logs have). */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const sorted = members.sort(([one], [other]) => one < other ? -1 : 1);
  return `{${sorted.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
}

/** The hash of a Merkle tree (RFC 6962, section 2.1). */
function rootOf(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0];
  const middle = splitOf(leaves.length);
  return hashNode(rootOf(leaves.slice(0, middle)), rootOf(leaves.slice(middle)));
}

/** The hashes that lead from a leaf to the root (RFC 6962, section 2.1.1). */
function pathTo(index: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length === 1) return [];
  const middle = splitOf(leaves.length);
  return index < middle
    ? [...pathTo(index, leaves.slice(0, middle)), rootOf(leaves.slice(middle))]
    : [...pathTo(index - middle, leaves.slice(middle)), rootOf(leaves.slice(0, middle))];
}

function splitOf(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1));
}

function hashLeaf(bytes: Uint8Array): Buffer {
  return sha256(Buffer.of(0), bytes);
}

function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256(Buffer.of(1), left, right);
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}

/** A log of certificates (RFC 6962). */
export interface CertificateLog {
  url: string;
  key: KeyPair;
  id: Buffer;
  keyDetails: string;
  /** Promises to have a certificate, as an extension of it. */
  promise(certificate: CertificateOptions, time: Date): Extension;
}

export function makeCertificateLog(url = "https://ctfe.example.org"): CertificateLog {
  const key = makeKeyPair();
  const id = sha256(key.spki);
  return {
    url,
    key,
    id,
    keyDetails: "PKIX_ECDSA_P256_SHA_256",
    promise(certificate, time) {
      const signed = toBeSigned(certificate);
      const issuer = sha256(certificate.issuer.key.spki);
      const at = unsigned(time.getTime(), 8);
      const entry = [Buffer.of(0, 0), at, unsigned(1, 2), issuer, unsigned(signed.length, 3), signed, unsigned(0, 2)];
      const signature = key.sign(Buffer.concat(entry));
      // Version 1, no extensions, SHA-256 with ECDSA.
      const start = [Buffer.of(0), id, at, unsigned(0, 2), Buffer.of(4, 3)];
      const promise = Buffer.concat([...start, withLength(signature)]);
      return { oid: "1.3.6.1.4.1.11129.2.4.2", value: octets(withLength(withLength(promise))) };
    },
  };
}

function withLength(bytes: Uint8Array): Buffer {
  return Buffer.concat([unsigned(bytes.length, 2), bytes]);
}

function unsigned(value: number, bytes: number): Buffer {
  return Buffer.from(value.toString(16).padStart(bytes * 2, "0"), "hex");
}
