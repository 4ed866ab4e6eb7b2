import { constants, generateKeyPairSync, sign } from "node:crypto";
import { isSignature } from "../signing/is_signature.ts";
import type { Hash, PublicKey } from "./keys.ts";

/** How a signature was made, for the evidence: `ECDSA SHA-256`. */
export type Algorithm = string;

/** Signatures on P-521 are longer than those on P-384, in bytes of DER, but for one in more than anybody will make. */
const MAX_P384_LENGTH = 104;

/** How long a signature of Ed25519 is, in bytes. */
const ED25519_LENGTH = 64;

/**
 * Finds the algorithm by which a signature over some bytes is by a key. Nothing in signatures of cosign's says which it is, so those that go
 * with the kind of the key are tried.
 *
 * @returns `undefined` if it is not by this key
 */
export async function findAlgorithm(
  key: PublicKey,
  signed: Uint8Array,
  signature: Uint8Array,
): Promise<Algorithm | undefined> {
  switch (key.kind) {
    case "ecdsa":
      return by(key.hashes, "ECDSA", (hash) => isSignature(hash, signed, { key: key.key }, signature)) ??
        await findOnP521(key, signed, signature);
    case "rsa": {
      const pkcs1 = { key: key.key, padding: constants.RSA_PKCS1_PADDING };
      const pss = {
        key: key.key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_AUTO,
      };
      return by(key.hashes, "RSA PKCS#1 v1.5", (hash) => isSignature(hash, signed, pkcs1, signature)) ??
        by(key.hashes, "RSA-PSS", (hash) => isSignature(hash, signed, pss, signature));
    }
    case "ed25519":
      if (signature.length !== ED25519_LENGTH) return undefined;
      if (isSignature(null, signed, { key: key.key }, signature)) return "Ed25519";
      return await isSignedPrehashed(key, signed, signature) ? "Ed25519ph" : undefined;
  }
}

/** What the runtime may not have: see {@link knowsShortHashes}. */
async function findOnP521(
  { key }: PublicKey,
  signed: Uint8Array,
  signature: Uint8Array,
): Promise<Algorithm | undefined> {
  const isPossible = key.asymmetricKeyDetails?.namedCurve === "secp521r1" && signature.length > MAX_P384_LENGTH;
  if (!isPossible || knowsShortHashes()) return undefined;
  const { isSignedOverSha256 } = await import("./p521.ts");
  return isSignedOverSha256(key, signed, signature) ? "ECDSA SHA-256" : undefined;
}

let shortHashes: boolean | undefined;

/** Whether `node:crypto` takes a hash that is shorter than half of a curve. */
function knowsShortHashes(): boolean {
  if (shortHashes === undefined) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-521" });
    try {
      sign("sha256", new Uint8Array(1), privateKey);
      shortHashes = true;
    } catch {
      shortHashes = false;
    }
  }
  return shortHashes;
}

function by(hashes: readonly Hash[], scheme: string, isGood: (hash: Hash) => boolean): Algorithm | undefined {
  const hash = hashes.find(isGood);
  return hash && `${scheme} ${hash.replace("sha", "SHA-")}`;
}

/** Ed25519ph (RFC 8032), which cosign 3 signs by, and which `node:crypto` does not have. */
async function isSignedPrehashed({ key }: PublicKey, signed: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const { ed25519ph } = await import("@noble/curves/ed25519.js");
  const spki = key.export({ format: "der", type: "spki" });
  try {
    return ed25519ph.verify(signature, signed, spki.subarray(-32), { zip215: false });
  } catch {
    return false;
  }
}
