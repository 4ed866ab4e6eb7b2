import { type ECDSA, ecdsa } from "@noble/curves/abstract/weierstrass.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";

/** What a message is hashed by before it is signed. */
export type HashName = "sha256" | "sha384" | "sha512";

const HASHES = { sha256, sha384, sha512 };

/** The curves of NIST, by the names that JSON web keys have for them. */
const CURVES = { "P-256": p256, "P-384": p384, "P-521": p521 };

/** What a point begins with that has both coordinates (SEC 1, section 2.3.3). */
const UNCOMPRESSED = Uint8Array.of(4);

/** The curve of a key by ECDSA, `P-256`, `P-384` or `P-521`; `undefined` of any other. */
export function curveOf(key: KeyObject): keyof typeof CURVES | undefined {
  if (key.asymmetricKeyType !== "ec") return undefined;
  const { crv } = key.export({ format: "jwk" });
  return crv !== undefined && Object.hasOwn(CURVES, crv) ? crv as keyof typeof CURVES : undefined;
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
  const { d } = key.export({ format: "jwk" });
  const { x, y } = publicKey.export({ format: "jwk" });
  if (name === undefined || d === undefined || x === undefined || y === undefined) {
    throw new Error("the key is on a curve that is not P-256, P-384 or P-521");
  }
  const { Point } = CURVES[name];
  // The curve as the library has it comes with the hash that its signatures mostly have.
  const scheme: ECDSA = ecdsa(Point, HASHES[hash]);
  const options = { format: encoding === "der" ? "der" : "compact", lowS: false } as const;
  const bytes = (number: string) =>
    Buffer.from(Buffer.from(number, "base64url").toString("hex").padStart(2 * Point.Fp.BYTES, "0"), "hex");
  const signature = scheme.sign(message, bytes(d), options);
  // Not by node:crypto: in Deno it has no SHA-256 for P-521.
  if (!scheme.verify(signature, message, Buffer.concat([UNCOMPRESSED, bytes(x), bytes(y)]), options)) {
    throw new Error("the public key in the private key's file is that of another one");
  }
  return signature;
}
