import { constants, type KeyObject } from "node:crypto";
import { FormatError } from "../signing/format_error.ts";

/** The algorithms that signatures may be made by (signature specification, "Signature Algorithm Requirements"). */
export type AlgorithmName = "PS256" | "PS384" | "PS512" | "ES256" | "ES384" | "ES512";

/** How an algorithm is called elsewhere. */
export interface Algorithm {
  name: AlgorithmName;
  hash: "sha256" | "sha384" | "sha512";
  /** COSE (RFC 9053, 2.1; RFC 8230, 2). */
  cose: number;
}

const ALGORITHMS: Readonly<Record<AlgorithmName, Algorithm>> = {
  PS256: { name: "PS256", hash: "sha256", cose: -37 },
  PS384: { name: "PS384", hash: "sha384", cose: -38 },
  PS512: { name: "PS512", hash: "sha512", cose: -39 },
  ES256: { name: "ES256", hash: "sha256", cose: -7 },
  ES384: { name: "ES384", hash: "sha384", cose: -35 },
  ES512: { name: "ES512", hash: "sha512", cose: -36 },
};

const BY_MODULUS: Readonly<Record<number, AlgorithmName>> = { 2048: "PS256", 3072: "PS384", 4096: "PS512" };
const BY_CURVE: Readonly<Record<string, AlgorithmName>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};

/** The algorithm that JOSE calls so; `undefined` if it is none of Notary Project's. */
export function algorithmByName(name: unknown): Algorithm | undefined {
  return Object.values(ALGORITHMS).find((each) => each.name === name);
}

/** The algorithm of a number in COSE. */
export function algorithmByCose(number: unknown): Algorithm | undefined {
  return Object.values(ALGORITHMS).find(({ cose }) => cose === number);
}

/**
 * The one algorithm that goes with a key (signature specification, "Algorithm Selection").
 *
 * @throws {FormatError} if none does: the key is too short, or of another kind
 */
export function algorithmOf(key: KeyObject): Algorithm {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa") {
    // A modulus that lacks a few bits of whole bytes counts as full, as Go counts it.
    const bits = Math.ceil((details?.modulusLength ?? 0) / 8) * 8;
    if (Object.hasOwn(BY_MODULUS, bits)) return ALGORITHMS[BY_MODULUS[bits]];
    throw new FormatError(`a key of RSA has ${details?.modulusLength ?? 0} bits, and not 2048, 3072 or 4096`);
  }
  const curve = type === "ec" ? details?.namedCurve : undefined;
  if (curve !== undefined && Object.hasOwn(BY_CURVE, curve)) return ALGORITHMS[BY_CURVE[curve]];
  throw new FormatError(`a key is of a kind that signatures are not made by: ${curve ?? type ?? "unknown"}`);
}

/** Whether a key is weaker than those that signatures are made by. Authorities may have other sizes of RSA. */
export function isWeak({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): boolean {
  if (type === "rsa") return (details?.modulusLength ?? 0) < 2048;
  return type !== "ec" || !Object.hasOwn(BY_CURVE, details?.namedCurve ?? "");
}

/** How `node:crypto` is told of an algorithm: RSASSA-PSS with a salt as long as the hash, ECDSA with both numbers at full length. */
export function withScheme(key: KeyObject, { name, hash }: Algorithm) {
  if (name.startsWith("ES")) return { key, dsaEncoding: "ieee-p1363" as const };
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(hash.slice(3)) / 8 };
}
