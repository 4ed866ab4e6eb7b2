import { verify } from "node:crypto";

/**
 * Looks at a signature. One that is no signature at all is a wrong one.
 *
 * @param hash `null` for algorithms that have one of their own
 */
export function isSignature(
  hash: string | null,
  signed: Uint8Array,
  key: Exclude<Parameters<typeof verify>[2], string>,
  signature: Uint8Array,
): boolean {
  try {
    return verify(hash, signed, key, signature);
  } catch {
    // Runtimes differ in what they throw for signatures that are none.
    return false;
  }
}
