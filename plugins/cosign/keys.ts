import { Buffer } from "node:buffer";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { FormatError } from "../signing/format_error.ts";

/** A public key that is trusted, of a kind that is strong enough. */
export interface PublicKey {
  key: KeyObject;
  kind: "ecdsa" | "rsa" | "ed25519";
  /** The hashes that signatures by it may be over, the usual one first. */
  hashes: readonly Hash[];
  /** SHA-256 of the key as SubjectPublicKeyInfo, hexadecimal. */
  fingerprint: string;
}

/** A hash, as `node:crypto` calls it. */
export type Hash = "sha256" | "sha384" | "sha512";

/** More keys make every signature cost more. */
const MAX_KEYS = 100;

/** Bits of an RSA key below which it is weak (NIST SP 800-131A). Both runtimes refuse an exponent of 1 themselves. */
const MIN_RSA_BITS = 2048;

/** What a curve is used with: cosign 3 takes the hash of its size, earlier ones SHA-256. */
const CURVES: Readonly<Record<string, readonly Hash[]>> = {
  prime256v1: ["sha256", "sha384", "sha512"],
  secp384r1: ["sha384", "sha256", "sha512"],
  secp521r1: ["sha512", "sha256", "sha384"],
};

/** A PEM block, RFC 7468. */
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----([^-]*)-----END \1-----/g;

/** What the blocks of public keys are called, and what is in them. */
const KEY_TYPES: Readonly<Record<string, "spki" | "pkcs1">> = { "PUBLIC KEY": "spki", "RSA PUBLIC KEY": "pkcs1" };

/**
 * Reads the public keys in some texts; each may have several, and what stands around them is passed over.
 *
 * @throws {FormatError} if a text has no key, or one that is weak or of no known kind
 */
export function readPublicKeys(texts: readonly string[]): PublicKey[] {
  const keys = new Map<string, PublicKey>();
  for (const text of texts) {
    const blocks = [...text.matchAll(PEM_BLOCK)];
    if (blocks.length === 0) {
      throw new FormatError("what is given as a public key is no PEM (-----BEGIN PUBLIC KEY-----)");
    }
    for (const [, label, body] of blocks) {
      const key = readBlock(label, body);
      keys.set(key.fingerprint, key);
      if (keys.size > MAX_KEYS) throw new FormatError(`there are more than ${MAX_KEYS} public keys`);
    }
  }
  return [...keys.values()];
}

function readBlock(label: string, body: string): PublicKey {
  const type = Object.hasOwn(KEY_TYPES, label) ? KEY_TYPES[label] : undefined;
  if (label.endsWith("PRIVATE KEY")) throw new FormatError("a private key is given where a public key is expected");
  if (!type) throw new FormatError(`what is given as a public key is a PEM block ${label}`);
  const der = decodeBody(body);
  let key: KeyObject;
  let spki: Uint8Array;
  try {
    key = createPublicKey({ key: Buffer.from(der), format: "der", type });
    spki = key.export({ format: "der", type: "spki" });
  } catch {
    throw new FormatError("a public key cannot be read, or is of a kind that is not known: ECDSA, RSA and Ed25519 are");
  }
  return { key, ...kindOf(key), fingerprint: createHash("sha256").update(spki).digest("hex") };
}

function decodeBody(body: string): Uint8Array {
  const text = body.replace(/\s/g, "");
  const der = Buffer.from(text, "base64");
  if (der.length === 0 || der.toString("base64") !== text) {
    throw new FormatError("a public key is not base64 within its PEM");
  }
  return der;
}

function kindOf(key: KeyObject): Pick<PublicKey, "kind" | "hashes"> {
  const { namedCurve = "", modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "ed25519":
      return { kind: "ed25519", hashes: ["sha512"] };
    case "ec":
      if (!Object.hasOwn(CURVES, namedCurve)) {
        throw new FormatError(`a public key is on the curve ${namedCurve}: P-256, P-384 and P-521 are known`);
      }
      return { kind: "ecdsa", hashes: CURVES[namedCurve] };
    case "rsa":
      if (modulusLength < MIN_RSA_BITS) {
        throw new FormatError(`an RSA key of ${modulusLength} bits is too weak: at least ${MIN_RSA_BITS} are wanted`);
      }
      return { kind: "rsa", hashes: ["sha256", "sha384", "sha512"] };
    default:
      throw new FormatError(`a public key is of the kind ${key.asymmetricKeyType}: ECDSA, RSA and Ed25519 are known`);
  }
}
