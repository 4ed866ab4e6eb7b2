import { Buffer } from "node:buffer";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";

/** A public key that is trusted. */
export interface PublicKey {
  key: KeyObject;
  /** SHA-256 of the key as SubjectPublicKeyInfo, hexadecimal. */
  fingerprint: string;
}

/** A PEM block (RFC 7468). */
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]*?)-----END \1-----/g;

/** What the blocks of public keys are called, and what is in them. */
const KEY_TYPES: Readonly<Record<string, "spki" | "pkcs1">> = { "PUBLIC KEY": "spki", "RSA PUBLIC KEY": "pkcs1" };

/**
 * Reads the public keys in some texts; each may have several, and what stands around them is passed over.
 *
 * @throws {Error} if a text has no key, or one that is not good
 */
export function readPublicKeys(texts: readonly string[]): PublicKey[] {
  const keys = new Map<string, PublicKey>();
  for (const text of texts) {
    const blocks = [...text.matchAll(PEM_BLOCK)];
    if (blocks.length === 0) throw new Error("a public key is no PEM: it has no -----BEGIN PUBLIC KEY-----");
    for (const [, label, body] of blocks) {
      const key = readBlock(label, body);
      keys.set(key.fingerprint, key);
    }
  }
  return [...keys.values()];
}

function readBlock(label: string, body: string): PublicKey {
  const type = Object.hasOwn(KEY_TYPES, label) ? KEY_TYPES[label] : undefined;
  if (!type) throw new Error(`a public key is expected, and there is a PEM block ${label}`);
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(body, "base64"), format: "der", type });
  } catch {
    throw new Error(`the PEM block ${label} has no public key of a known kind`);
  }
  const spki = key.export({ format: "der", type: "spki" });
  return { key, fingerprint: createHash("sha256").update(spki).digest("hex") };
}
