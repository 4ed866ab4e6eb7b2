import { Buffer } from "node:buffer";
import { decodeBase64 } from "../signing/base64.ts";
import { FormatError, quoted } from "../signing/format_error.ts";
import { isObject, type JsonObject, parseStrictObject, refuseUnknown } from "../signing/strict_json.ts";
import type { Claim } from "./signature.ts";

/** What the payload of an envelope is, for signatures and for attestations (in-toto, "Envelope layer"). */
export const STATEMENT_TYPE = "application/vnd.in-toto+json";

/** The predicate that cosign 3 signs an image with. All others are attestations, which say something about an image. */
export const SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1";

/** `_type` of the statements that are read. */
const STATEMENT_VERSIONS = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];

/** An envelope (DSSE 1.0) as it stands in JSON. */
export interface Envelope {
  /** What each of the signatures is over. */
  signed: Uint8Array;
  payload: Uint8Array;
  /** Encoded: one that is not good does not spoil the others. */
  signatures: readonly unknown[];
}

/** What an in-toto statement says. */
export interface Statement {
  predicateType: string;
  /** One for each subject. */
  claims: readonly Claim[];
}

/**
 * Reads an envelope.
 *
 * @throws {FormatError} if it is not what the format says, or its payload is of another kind
 */
export function readEnvelope(envelope: JsonObject): Envelope {
  refuseUnknown(envelope, ["payload", "payloadType", "signatures"], "the envelope");
  const { payloadType, signatures } = envelope;
  if (payloadType !== STATEMENT_TYPE) {
    throw new FormatError(
      `the envelope has a payload of the type ${quoted(payloadType)}, not ${STATEMENT_TYPE}`,
    );
  }
  if (!Array.isArray(signatures) || signatures.length === 0) throw new FormatError("the envelope has no signatures");
  const payload = decodeBase64(envelope.payload, "the payload of the envelope");
  return { signed: preAuthenticationEncoding(payloadType, payload), payload, signatures };
}

/**
 * Reads one of the signatures of an envelope.
 *
 * @throws {FormatError}
 */
export function readEnvelopeSignature(signature: unknown): Uint8Array {
  if (!isObject(signature)) throw new FormatError("a signature of the envelope is no object");
  // What the key is called there is not signed, and decides nothing.
  refuseUnknown(signature, ["sig", "keyid"], "a signature of the envelope");
  return decodeBase64(signature.sig, "a signature of the envelope");
}

/** What is signed in the place of a payload: DSSE 1.0, "Signature Definition". */
export function preAuthenticationEncoding(type: string, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
}

/**
 * Reads an in-toto statement. Members that are not known are passed over, as in-toto wants it.
 *
 * @throws {FormatError} if it is not what the format says
 */
export function readStatement(payload: Uint8Array): Statement {
  const statement = parseStrictObject(payload, "the statement");
  const { _type: version, subject, predicateType } = statement;
  if (typeof version !== "string" || !STATEMENT_VERSIONS.includes(version)) {
    throw new FormatError(`the payload is no in-toto statement: its "_type" is ${quoted(version)}`);
  }
  if (typeof predicateType !== "string") throw new FormatError("the statement has no predicateType");
  if (!Array.isArray(subject) || subject.length === 0) throw new FormatError("the statement has no subject");
  return { predicateType, claims: subject.map(readSubject) };
}

function readSubject(subject: unknown): Claim {
  if (!isObject(subject) || !isObject(subject.digest) || !Object.values(subject.digest).every(isText)) {
    throw new FormatError("the statement has a subject without digest");
  }
  const { name, annotations } = subject;
  const digests = Object.entries(subject.digest).map(([algorithm, hex]) => `${algorithm}:${hex}`);
  return {
    digests,
    ...(typeof name === "string" && name !== "" && { name }),
    annotations: isObject(annotations) ? annotations : {},
  };
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}
