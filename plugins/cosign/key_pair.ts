import { Buffer } from "node:buffer";
import { createHash, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { BOX_LABEL, sealBox } from "./private_key_box.ts";

/** Kinds of keys that can be made; each is one that cosign reads. */
export type KeyType = "ecdsa-p256" | "ecdsa-p384" | "ecdsa-p521" | "ed25519" | "rsa-2048" | "rsa-3072" | "rsa-4096";

/** A new pair of keys, as the two files of cosign's. */
export interface KeyPair {
  /** PEM, encrypted. */
  privateKey: string;
  /** PEM. */
  publicKey: string;
  /** SHA-256 of the public key as SubjectPublicKeyInfo, hexadecimal. */
  fingerprint: string;
}

const generate = promisify(generateKeyPair);

/** Makes a pair of keys, the private one encrypted as cosign does it. An empty password is one. */
export async function makeKeyPair(type: KeyType, password: string): Promise<KeyPair> {
  const { privateKey, publicKey } = await generated(type);
  const box = sealBox(privateKey.export({ format: "der", type: "pkcs8" }), password);
  const spki = publicKey.export({ format: "der", type: "spki" });
  return {
    privateKey: toPem(BOX_LABEL, box),
    publicKey: toPem("PUBLIC KEY", spki),
    fingerprint: createHash("sha256").update(spki).digest("hex"),
  };
}

function generated(type: KeyType): Promise<{ privateKey: KeyObject; publicKey: KeyObject }> {
  if (type === "ed25519") return generate("ed25519");
  const [family, size] = type.split("-");
  if (family === "rsa") return generate("rsa", { modulusLength: Number(size) });
  return generate("ec", { namedCurve: `P-${size.slice(1)}` });
}

/** RFC 7468: lines of 64 characters. */
function toPem(label: string, content: Uint8Array): string {
  const lines = Buffer.from(content).toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
