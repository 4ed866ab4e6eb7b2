import { Buffer } from "node:buffer";
import { decodeBase64 } from "../../signing/base64.ts";
import { FormatError } from "../../signing/format_error.ts";
import { parseStrictObject } from "../../signing/strict_json.ts";
import type { AnnotationMaterial } from "../signature.ts";
import { decodeProof, integerOf, type LogEntry, objectOf, type Proofs, textOf } from "./proofs.ts";

/** A certificate in PEM, alone. */
const CERTIFICATE = /^\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----\s*$/;

/**
 * Reads what cosign 1 and 2 put into annotations. The authorities that came along (`chain`) are passed over: those that are trusted are in
 * the trusted root.
 *
 * @throws {FormatError} if it is not what the format says
 */
export function readAnnotationProofs({ certificate, logBundle, timestamp }: AnnotationMaterial): Proofs {
  const body = CERTIFICATE.exec(certificate)?.[1];
  if (body === undefined) throw new FormatError("the certificate is not one in PEM");
  return {
    certificate: decodeProof(body.replace(/\s/g, ""), "the certificate"),
    entries: logBundle === undefined ? [] : [readLogBundle(logBundle)],
    timestamps: timestamp === undefined ? [] : [readTimestamp(timestamp)],
  };
}

/** What Rekor has answered: the entry, and its promise to have it in the log. */
function readLogBundle(text: string): LogEntry {
  const bundle = objectOf(parseStrictObject(Buffer.from(text), "the bundle of the log"), "the bundle of the log", [
    "SignedEntryTimestamp",
    "Payload",
  ]);
  const payload = objectOf(bundle.Payload, "the entry of the log", ["body", "integratedTime", "logIndex", "logID"]);
  const { logID } = payload;
  if (typeof logID !== "string" || !/^[0-9a-f]{64}$/.test(logID)) throw new FormatError("the name of a log is missing");
  const canonicalizedBody = Buffer.from(decodeBase64(payload.body, "the content of an entry"));
  const { kind, apiVersion } = parseStrictObject(canonicalizedBody, "the content of an entry");
  return {
    logIndex: integerOf(payload.logIndex, "the index of an entry"),
    logId: { keyId: Buffer.from(logID, "hex") },
    kindVersion: { kind: textOf(kind, "the kind of an entry"), version: textOf(apiVersion, "the version of an entry") },
    integratedTime: integerOf(payload.integratedTime, "the time of an entry"),
    inclusionPromise: { signedEntryTimestamp: decodeProof(bundle.SignedEntryTimestamp, "the promise of the log") },
    inclusionProof: undefined,
    canonicalizedBody,
  };
}

function readTimestamp(text: string): Uint8Array {
  const json = objectOf(parseStrictObject(Buffer.from(text), "the timestamp"), "the timestamp", [
    "SignedRFC3161Timestamp",
  ]);
  return decodeProof(json.SignedRFC3161Timestamp, "the timestamp");
}
