import { Buffer } from "node:buffer";
import type { SignedEntity } from "@sigstore/verify";
import { decodeBase64 } from "../../signing/base64.ts";
import { FormatError } from "../../signing/format_error.ts";
import { isObject, type JsonObject, refuseUnknown } from "../../signing/strict_json.ts";

/** An entry of a transparency log, as `sigstore_rekor.proto` has it. */
export type LogEntry = SignedEntity["tlogEntries"][number];

/** What came along with a signature to say by whom and when it was made, of the right shape and not checked yet. */
export interface Proofs {
  /** The certificate of who has signed, DER. */
  certificate: Uint8Array;
  entries: readonly LogEntry[];
  /** Responses of timestamp authorities (RFC 3161), DER. */
  timestamps: readonly Uint8Array[];
}

/** How many entries and how many timestamps there may be; each costs some signatures to check. */
const MAX_PROOFS = 8;

/** How large a certificate, a timestamp or a checkpoint may be, in bytes. */
const MAX_SIZE = 64 * 1024;

/** How many lines a checkpoint may have: each may be a signature. */
const MAX_CHECKPOINT_LINES = 64;

/**
 * Reads the verification material of a Sigstore bundle 0.3 (`sigstore_bundle.proto`). Members that are not known are refused, at any depth.
 *
 * @throws {FormatError} if it is not what the format says
 */
export function readBundleProofs({ verificationMaterial: material }: JsonObject): Proofs {
  const { certificate, tlogEntries, timestampVerificationData } = objectOf(material, "the verification material", [
    "certificate",
    "tlogEntries",
    "timestampVerificationData",
  ]);
  const { rawBytes } = objectOf(certificate, "the certificate", ["rawBytes"]);
  const { rfc3161Timestamps } = objectOf(timestampVerificationData ?? {}, "the timestamps", ["rfc3161Timestamps"]);
  return {
    certificate: decodeProof(rawBytes, "the certificate"),
    entries: listOf(tlogEntries, "the entries of the log").map(readEntry),
    timestamps: listOf(rfc3161Timestamps, "the timestamps").map((timestamp) => {
      const { signedTimestamp } = objectOf(timestamp, "a timestamp", ["signedTimestamp"]);
      return decodeProof(signedTimestamp, "a timestamp");
    }),
  };
}

/** Decodes base64 of something that is small. */
export function decodeProof(text: unknown, what: string): Buffer {
  const bytes = decodeBase64(text, what);
  if (bytes.length > MAX_SIZE) throw new FormatError(`${what} is too large`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An integer of 64 bits, which Protobuf's JSON has as text or as a number. */
export function integerOf(value: unknown, what: string): string {
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== "string" || !/^(?:0|[1-9]\d{0,14})$/.test(text)) throw new FormatError(`${what} is no number`);
  return text;
}

function readEntry(json: unknown): LogEntry {
  const entry = objectOf(json, "an entry of the log", [
    "logIndex",
    "logId",
    "kindVersion",
    "integratedTime",
    "inclusionPromise",
    "inclusionProof",
    "canonicalizedBody",
  ]);
  const { keyId } = objectOf(entry.logId, "the log of an entry", ["keyId"]);
  const { kind, version } = objectOf(entry.kindVersion, "the kind of an entry", ["kind", "version"]);
  const promise = entry.inclusionPromise === undefined
    ? undefined
    : objectOf(entry.inclusionPromise, "the promise of the log", ["signedEntryTimestamp"]);
  return {
    logIndex: integerOf(entry.logIndex ?? 0, "the index of an entry"),
    logId: { keyId: decodeProof(keyId, "the name of a log") },
    kindVersion: { kind: textOf(kind, "the kind of an entry"), version: textOf(version, "the version of an entry") },
    integratedTime: integerOf(entry.integratedTime ?? 0, "the time of an entry"),
    inclusionPromise: promise &&
      { signedEntryTimestamp: decodeProof(promise.signedEntryTimestamp, "the promise of the log") },
    inclusionProof: readInclusionProof(entry.inclusionProof),
    canonicalizedBody: Buffer.from(decodeBase64(entry.canonicalizedBody, "the content of an entry")),
  };
}

/** Bundles 0.3 have to have one, and in it a checkpoint, which is what is signed. */
function readInclusionProof(json: unknown): NonNullable<LogEntry["inclusionProof"]> {
  if (json === undefined) throw new FormatError("an entry of the log comes without the proof that it is in there");
  const proof = objectOf(json, "the proof of an entry", ["logIndex", "rootHash", "treeSize", "hashes", "checkpoint"]);
  const treeSize = integerOf(proof.treeSize ?? 0, "the size of the log");
  const rootHash = decodeProof(proof.rootHash, "the root of the log");
  return {
    logIndex: integerOf(proof.logIndex ?? 0, "the index of an entry"),
    treeSize,
    rootHash,
    hashes: listOf(proof.hashes, "the proof of an entry", 64).map((hash) => decodeProof(hash, "a hash of the proof")),
    checkpoint: { envelope: readCheckpoint(proof.checkpoint, treeSize, rootHash) },
  };
}

/** What is signed of a log. Its size and root are what counts, so those of the proof must not say anything else. */
function readCheckpoint(json: unknown, treeSize: string, rootHash: Buffer): string {
  const envelope = textOf(objectOf(json, "the checkpoint", ["envelope"]).envelope, "the checkpoint");
  const lines = envelope.split("\n");
  if (envelope.length > MAX_SIZE || lines.length > MAX_CHECKPOINT_LINES) {
    throw new FormatError("the checkpoint of an entry is too large");
  }
  if (lines[1] !== treeSize || lines[2] !== rootHash.toString("base64")) {
    throw new FormatError("the checkpoint of an entry is about another state of the log than its proof");
  }
  return envelope;
}

/** An object with none but known members. */
export function objectOf(value: unknown, what: string, known: readonly string[]): JsonObject {
  if (!isObject(value)) throw new FormatError(`${what} is missing, or no object`);
  refuseUnknown(value, known, what);
  return value;
}

function listOf(value: unknown, what: string, max = MAX_PROOFS): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new FormatError(`${what} are no list`);
  if (value.length > max) throw new FormatError(`${what} are more than ${max}`);
  return value;
}

/** Text that is not empty. */
export function textOf(value: unknown, what: string): string {
  if (typeof value !== "string" || value === "") throw new FormatError(`${what} is missing`);
  return value;
}
