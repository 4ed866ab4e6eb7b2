import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { decryptPkcs8 } from "./pbes2.ts";

/** A key that signs. */
export interface PrivateKey {
  key: KeyObject;
  public: KeyObject;
}

/** How a PEM block becomes a PKCS #8 `PrivateKeyInfo` (RFC 5208), DER. */
export type Decrypt = (content: Uint8Array, password: string) => Uint8Array;

/** Texts that are longer, in UTF-16 units, are no keys. */
const MAX_LENGTH = 64 * 1024;

/** PEM blocks with a key in plain, by their labels (RFC 7468, RFC 5915, RFC 8017). */
const PLAIN = { "PRIVATE KEY": "pkcs8", "EC PRIVATE KEY": "sec1", "RSA PRIVATE KEY": "pkcs1" } as const;

/** RSA keys of fewer bits are too weak, and of more are none that anybody uses. */
const RSA_BITS = { min: 2048, max: 16384 };

interface PemBlock {
  label: string;
  content: Uint8Array;
  isOldEncryption: boolean;
}

/**
 * Reads a private key: PKCS #8, in plain or encrypted, SEC 1 or PKCS #1, as PEM.
 *
 * @param text PEM; certificates, public keys and parameters beside the key are passed over
 * @param password `undefined` if there is none; an empty one is one
 * @param boxes what else a key may be encrypted in, by the labels of the PEM blocks
 * @throws {Error} if there is no key, more than one, or one that is not good; if the password is missing or wrong. Nothing of the key or of the
 * password is in the message
 */
export function readPrivateKey(
  text: string,
  password?: string,
  boxes: { readonly [label: string]: Decrypt } = {},
): PrivateKey {
  const { label, content, isOldEncryption } = findKey(text);
  const decrypt = label === "ENCRYPTED PRIVATE KEY"
    ? decryptPkcs8
    : Object.hasOwn(boxes, label)
    ? boxes[label]
    : undefined;
  if (decrypt) {
    if (password === undefined) throw new Error("the private key is encrypted, and there is no password");
    return checkedKey(decrypt(content, password), "pkcs8");
  }
  if (!Object.hasOwn(PLAIN, label)) throw new Error(`the PEM block ${label} is no private key of a known kind`);
  if (isOldEncryption) {
    throw new Error(
      "the private key is encrypted in the old way of PEM, which is weak: make it PKCS #8 by `openssl pkcs8 -topk8`",
    );
  }
  return checkedKey(content, PLAIN[label as keyof typeof PLAIN]);
}

function findKey(text: string): PemBlock {
  if (text.length > MAX_LENGTH) throw new Error("what should be a private key is longer than 64 KiB");
  const keys = pemBlocks(text).filter(({ label }) => label.endsWith("PRIVATE KEY"));
  if (keys.length > 1) throw new Error("there is more than one private key");
  if (keys.length === 1) return keys[0];
  if (text.includes("-----BEGIN PUBLIC KEY-----")) throw new Error("there is a public key, and no private one");
  throw new Error("there is no private key: it is PEM, and begins with -----BEGIN ... PRIVATE KEY-----");
}

/** All blocks of a text, line by line: a pattern for all of it would try each beginning with each end. */
function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { label: string; lines: string[] } | undefined;
  for (const line of text.split(/\r\n?|\n/)) {
    const begin = /^-----BEGIN ([A-Z0-9 ]+)-----\s*$/.exec(line);
    const end = /^-----END ([A-Z0-9 ]+)-----\s*$/.exec(line);
    if (begin) {
      if (open) throw new Error(`the PEM block ${open.label} has no end`);
      open = { label: begin[1], lines: [] };
    } else if (end) {
      if (open?.label !== end[1]) throw new Error(`the PEM block ${end[1]} has no beginning`);
      blocks.push(pemBlock(open));
      open = undefined;
    } else open?.lines.push(line);
  }
  if (open) throw new Error(`the PEM block ${open.label} has no end`);
  return blocks;
}

/** Before the content there may be headers (RFC 1421), as the old encryption has them. */
function pemBlock({ label, lines }: { label: string; lines: string[] }): PemBlock {
  const headers = lines.filter((line) => line.includes(":"));
  const base64 = lines.filter((line) => !line.includes(":")).join("").replace(/\s/g, "");
  const content = Buffer.from(base64, "base64");
  if (content.toString("base64") !== base64 || content.length === 0) {
    throw new Error(`what the PEM block ${label} has is not base64`);
  }
  return { label, content, isOldEncryption: headers.some((line) => /^Proc-Type:.*ENCRYPTED/.test(line)) };
}

function checkedKey(der: Uint8Array, type: "pkcs8" | "sec1" | "pkcs1"): PrivateKey {
  let key: KeyObject, publicKey: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(der), format: "der", type });
    publicKey = createPublicKey(key);
  } catch {
    // What the runtime says of it is worded by its library, and no two say the same.
    throw new Error("the private key is damaged, or of a kind that is not known");
  }
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "rsa" && (modulusLength < RSA_BITS.min || modulusLength > RSA_BITS.max)) {
    throw new Error(`the RSA key has ${modulusLength} bits, and has to have ${RSA_BITS.min} to ${RSA_BITS.max}`);
  }
  return { key, public: publicKey };
}
