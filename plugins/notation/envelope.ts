import { FormatError, quoted } from "../signing/format_error.ts";
import type { AlgorithmName } from "./algorithm.ts";

/** A signature of Notary Project's, read from its envelope and not judged yet. */
export interface Envelope {
  format: EnvelopeFormat;
  algorithm: AlgorithmName;
  /** What the signature is over. */
  signed: Uint8Array;
  signature: Uint8Array;
  payload: Uint8Array;
  attributes: SignedAttributes;
  /** The certificate of the key as the first one, then that of its issuer, to the root; DER. */
  certificates: readonly Uint8Array[];
  /** A timestamp (RFC 3161, TimeStampToken) over the signature, DER. Not signed. */
  timestamp?: Uint8Array;
  /** What has made the signature, as it says of itself. Not signed. */
  agent?: string;
}

/** What `format` says in evidence. */
export type EnvelopeFormat = "notation JWS" | "notation COSE";

/** What is signed beside the payload (signature specification, "Signed Attributes"). */
export interface SignedAttributes {
  scheme: SigningScheme;
  /** By the clock of the signer, or, for `notary.x509.signingAuthority`, of an authority that is trusted for it. */
  signingTime: Date;
  expiry?: Date;
}

/** How time is vouched for (signing scheme specification). */
export type SigningScheme = typeof SIGNING_SCHEMES[number];

/** The signing schemes that there are. */
const SIGNING_SCHEMES = ["notary.x509", "notary.x509.signingAuthority"] as const;

/** The only kind of payload that there is. */
export const PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json";

/** Names of headers, which are the same in both envelopes. */
export const Header = {
  signingScheme: "io.cncf.notary.signingScheme",
  signingTime: "io.cncf.notary.signingTime",
  authenticSigningTime: "io.cncf.notary.authenticSigningTime",
  expiry: "io.cncf.notary.expiry",
  timestampSignature: "io.cncf.notary.timestampSignature",
  signingAgent: "io.cncf.notary.signingAgent",
  verificationPlugin: "io.cncf.notary.verificationPlugin",
} as const;

/** How many certificates a chain may have. */
const MAX_CERTIFICATES = 16;

/** How much a timestamp may have, in bytes. */
const MAX_TIMESTAMP = 256 * 1024;

/** The protected headers of an envelope. */
export interface ProtectedHeaders {
  contentType: unknown;
  critical: unknown;
  /** Names that may be critical beside those of Notary Project, since every reader knows them. */
  known: readonly unknown[];
  /** A header of Notary Project's; `undefined` if it is not there. */
  get(name: string): unknown;
  /** Reads a time; the envelopes write them in two ways. */
  timeOf(value: unknown, name: string): Date;
}

/**
 * Checks the protected headers as the specifications of both envelopes have it: what must be critical is, what is critical is known, and each
 * scheme has its own time.
 *
 * @throws {FormatError}
 */
export function checkHeaders(headers: ProtectedHeaders): SignedAttributes {
  const { contentType } = headers;
  if (contentType !== PAYLOAD_TYPE) {
    throw new FormatError(
      `its content is not ${PAYLOAD_TYPE}${typeof contentType === "string" ? `, but ${quoted(contentType)}` : ""}`,
    );
  }
  const scheme = SIGNING_SCHEMES.find((name) => name === headers.get(Header.signingScheme));
  if (!scheme) throw new FormatError("its signing scheme is none that is known");
  const plugin = headers.get(Header.verificationPlugin);
  if (plugin !== undefined) {
    throw new FormatError(`it has to be verified by notation's plugin ${quoted(plugin)}`);
  }
  const isAuthority = scheme === "notary.x509.signingAuthority";
  const timeName = isAuthority ? Header.authenticSigningTime : Header.signingTime;
  const otherName = isAuthority ? Header.signingTime : Header.authenticSigningTime;
  if (headers.get(otherName) !== undefined) throw new FormatError(`${otherName} does not go with ${scheme}`);
  const time = headers.get(timeName);
  if (time === undefined) throw new FormatError(`${timeName} is missing`);
  const end = headers.get(Header.expiry);
  checkCritical(headers, [
    Header.signingScheme,
    ...(isAuthority ? [Header.authenticSigningTime] : []),
    ...(end === undefined ? [] : [Header.expiry]),
  ]);
  const signingTime = headers.timeOf(time, timeName);
  if (end === undefined) return { scheme, signingTime };
  const expiry = headers.timeOf(end, Header.expiry);
  if (expiry <= signingTime) throw new FormatError("it expires before it was made");
  return { scheme, signingTime, expiry };
}

function checkCritical({ critical, known, get }: ProtectedHeaders, required: readonly string[]): void {
  if (!Array.isArray(critical) || critical.length === 0) {
    throw new FormatError("it does not say which headers are critical");
  }
  const understood = [Header.signingScheme, Header.signingTime, Header.authenticSigningTime, Header.expiry, ...known];
  for (const name of critical) {
    if (!understood.includes(name)) {
      throw new FormatError(`the header ${quoted(name)} is critical, and not known`);
    }
    if (!known.includes(name) && get(name) === undefined) {
      throw new FormatError(`the header ${quoted(name)} is critical, and missing`);
    }
  }
  const lacking = required.find((name) => !critical.includes(name));
  if (lacking !== undefined) throw new FormatError(`the header ${lacking} is not marked as critical`);
}

/**
 * Checks what came along beside the signature.
 *
 * @throws {FormatError} if there is too much of it
 */
export function checkUnsigned<T extends Pick<Envelope, "certificates" | "timestamp">>(parts: T): T {
  const { certificates, timestamp } = parts;
  if (certificates.length === 0) throw new FormatError("it has no certificate");
  if (certificates.length > MAX_CERTIFICATES) {
    throw new FormatError(`it has more than ${MAX_CERTIFICATES} certificates`);
  }
  if (timestamp && timestamp.length > MAX_TIMESTAMP) throw new FormatError("its timestamp is larger than 256 KiB");
  return parts;
}
