import { verify } from "node:crypto";
import type { PublicKey } from "./keys.ts";

/** Whether a signature over some bytes is by a key. */
export function isSignedBy({ key }: PublicKey, signed: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify("sha256", signed, key, signature);
  } catch {
    return false;
  }
}
