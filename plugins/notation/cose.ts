import { decode, encode, Tagged } from "cborg";
import { FormatError, quoted } from "../signing/format_error.ts";
import { algorithmByCose } from "./algorithm.ts";
import { checkHeaders, checkUnsigned, type Envelope, Header } from "./envelope.ts";

/** The media type of an envelope as COSE. */
export const COSE_TYPE = "application/cose";

/** Labels of headers (RFC 9052, 3.1; RFC 9360, 2). */
const Label = { algorithm: 1, critical: 2, contentType: 3, chain: 33 };

/** Tags: COSE_Sign1 (RFC 9052, 2), and seconds since 1970 (RFC 8949, 3.4.2). */
const Tag = { sign1: 18, time: 1 };

/** CBOR in which every reader sees the same: the shortest form of all, no member twice, nothing without an end. */
const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  useMaps: true,
  rejectDuplicateMapKeys: true,
};

/**
 * Reads a signature in a COSE_Sign1 (RFC 9052, 4.2), tagged, as Notary Project has it ("COSE envelope").
 *
 * @throws {FormatError}
 */
export function readCose(bytes: Uint8Array): Envelope {
  const message = decoded(bytes, [Tag.sign1, Tag.time], "the envelope");
  if (!(message instanceof Tagged) || message.tag !== Tag.sign1 || !Array.isArray(message.value)) {
    throw new FormatError("the envelope is no COSE_Sign1");
  }
  const [protectedBytes, unsigned, payload, signature, ...others] = message.value;
  if (others.length > 0 || !isMap(unsigned)) throw new FormatError("the envelope is no COSE_Sign1");
  if (!isBytes(protectedBytes)) throw new FormatError("the protected header is missing");
  if (!isBytes(payload)) throw new FormatError("the payload is missing");
  if (!isBytes(signature)) throw new FormatError("the signature is missing");
  const headers = decoded(protectedBytes, [Tag.time], "the protected header");
  if (!isMap(headers)) throw new FormatError("the protected header is no map");
  for (const label of unsigned.keys()) {
    if (headers.has(label)) {
      throw new FormatError(`the header ${quoted(label)} is there twice, signed and unsigned`);
    }
  }
  const algorithm = algorithmByCose(headers.get(Label.algorithm));
  if (!algorithm) {
    throw new FormatError(`its algorithm is none that is allowed: ${quoted(headers.get(Label.algorithm))}`);
  }
  const attributes = checkHeaders({
    contentType: headers.get(Label.contentType),
    critical: headers.get(Label.critical),
    known: [Label.algorithm, Label.contentType],
    get: (name) => headers.get(name),
    timeOf,
  });
  const agent = unsigned.get(Header.signingAgent);
  const timestamp = unsigned.get(Header.timestampSignature);
  if (timestamp !== undefined && !isBytes(timestamp)) throw new FormatError("its timestamp is none");
  return {
    format: "notation COSE",
    algorithm: algorithm.name,
    signed: encode(["Signature1", protectedBytes, new Uint8Array(), payload]),
    signature,
    payload,
    attributes,
    ...checkUnsigned({ certificates: certificatesOf(unsigned.get(Label.chain)), ...(timestamp && { timestamp }) }),
    ...(typeof agent === "string" && { agent }),
  };
}

function decoded(bytes: Uint8Array, tags: readonly number[], what: string): unknown {
  try {
    return decode(bytes, { ...STRICT, tags: Tagged.preserve(...tags) });
  } catch {
    // Among them that it nests deeper than the parser can go.
    throw new FormatError(`${what} is not CBOR, or not in its one form`);
  }
}

function timeOf(value: unknown, name: string): Date {
  const seconds = value instanceof Tagged && value.tag === Tag.time ? value.value : undefined;
  const time = new Date(typeof seconds === "number" && Number.isInteger(seconds) ? seconds * 1000 : Number.NaN);
  if (!Number.isNaN(time.getTime())) return time;
  throw new FormatError(`${name} is no time`);
}

/** RFC 9360, 2: a certificate alone is no list. */
function certificatesOf(chain: unknown): Uint8Array[] {
  if (isBytes(chain)) return [chain];
  if (Array.isArray(chain) && chain.every(isBytes)) return chain;
  throw new FormatError("it has no certificate");
}

function isMap(value: unknown): value is Map<unknown, unknown> {
  return value instanceof Map;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length > 0;
}
