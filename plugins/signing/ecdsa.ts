import { type ECDSA, ecdsa } from "@noble/curves/abstract/weierstrass.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";

/** What a message is hashed by before it is signed. */
export type HashName = "sha256" | "sha384" | "sha512";

const HASHES = { sha256, sha384, sha512 };

/** The curves of NIST, by the names that OpenSSL has for them. */
const CURVES = { prime256v1: p256, secp384r1: p384, secp521r1: p521 };

/** What a point begins with that has both coordinates (SEC 1, section 2.3.3). */
const UNCOMPRESSED = Uint8Array.of(4);

/** The name of a key's curve, if it is P-256, P-384 or P-521. */
export function curveOf(key: KeyObject): keyof typeof CURVES | undefined {
  const { namedCurve } = key.asymmetricKeyDetails ?? {};
  return namedCurve !== undefined && Object.hasOwn(CURVES, namedCurve) ? namedCurve as keyof typeof CURVES : undefined;
}

/**
 * Signs by ECDSA with the nonce of RFC 6979, so that the same key gives the same signature of the same message. `node:crypto` takes a
 * random one. What was made is looked at before it is given away: a file may have a public key that is not the private one's, and a
 * computation that went wrong may give the key away.
 *
 * @param encoding `der`, or `ieee-p1363`: both numbers, each as long as the curve's order
 * @throws {Error} if the key is on none of the three curves, or its halves do not fit
 */
export function signEcdsa(
  { key, public: publicKey }: { key: KeyObject; public: KeyObject },
  message: Uint8Array,
  hash: HashName,
  encoding: "der" | "ieee-p1363" = "der",
): Uint8Array {
  const name = curveOf(key);
  if (name === undefined) throw new Error("the key is on a curve that is not P-256, P-384 or P-521");
  const { d = "" } = key.export({ format: "jwk" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const { Point } = CURVES[name];
  // The curve as the library has it comes with the hash that its signatures mostly have.
  const scheme: ECDSA = ecdsa(Point, HASHES[hash]);
  const options = { format: encoding === "der" ? "der" : "compact", lowS: false } as const;
  const [secret, ...point] = [d, x, y].map((number) => bytesOf(number, Point.Fp.BYTES));
  const signature = scheme.sign(message, secret, options);
  // Not by node:crypto: in Deno it has no SHA-256 for P-521.
  if (!scheme.verify(signature, message, Buffer.concat([UNCOMPRESSED, ...point]), options)) {
    throw new Error("the public key in the private key's file is that of another one");
  }
  return signature;
}

/** A number of a JSON web key, with all of its leading zeros. */
function bytesOf(number: string, size: number): Uint8Array {
  const bytes = Buffer.from(number, "base64url");
  return Buffer.concat([Buffer.alloc(Math.max(0, size - bytes.length)), bytes]);
}
