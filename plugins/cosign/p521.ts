import { p521 } from "@noble/curves/nist.js";
import { Buffer } from "node:buffer";
import { createHash, type KeyObject } from "node:crypto";

/** How long a number of P-521 is, in bytes. */
const NUMBER_LENGTH = 66;

/**
 * Whether a signature by a key on P-521 is over the SHA-256 of some bytes: cosign 2 and satchel sign so, and Deno's `node:crypto` refuses all of
 * them, as the hash has not half the curve's length.
 */
export function isSignedOverSha256(key: KeyObject, signed: Uint8Array, signature: Uint8Array): boolean {
  const { x = "", y = "" } = key.export({ format: "jwk" });
  const number = (text: string) => {
    const bytes = Buffer.from(text, "base64url");
    return Buffer.concat([Buffer.alloc(NUMBER_LENGTH - bytes.length), bytes]);
  };
  const point = Buffer.concat([Uint8Array.of(4), number(x), number(y)]);
  const hash = createHash("sha256").update(signed).digest();
  try {
    return p521.verify(signature, hash, point, { prehash: false, format: "der", lowS: false });
  } catch {
    return false;
  }
}
