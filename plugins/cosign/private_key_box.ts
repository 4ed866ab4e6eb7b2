import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { Buffer } from "node:buffer";
import { randomBytes, scryptSync } from "node:crypto";
import { decodeBase64 } from "../signing/base64.ts";
import { isObject, type JsonObject, parseStrictObject } from "../signing/strict_json.ts";

/** What the PEM block of an encrypted key is called; cosign's older versions wrote the other one. */
export const BOX_LABEL = "ENCRYPTED SIGSTORE PRIVATE KEY";
export const OLD_BOX_LABEL = "ENCRYPTED COSIGN PRIVATE KEY";

/** Parameters of scrypt (RFC 7914), by the names that a key file has for them. */
interface ScryptParameters {
  N: number;
  r: number;
  p: number;
}

/** What cosign writes. */
const WRITTEN: ScryptParameters = { N: 2 ** 16, r: 8, p: 1 };

/**
 * What cosign reads, and nothing else is read here: a file could ask for all of the memory, and for years.
 */
const READ: readonly ScryptParameters[] = [{ N: 2 ** 15, r: 8, p: 1 }, WRITTEN, { N: 2 ** 17, r: 8, p: 1 }];

/** scrypt needs 128 * N * r bytes, and a little more. */
const MAX_MEMORY = 160 * 1024 * 1024;

const KEY_SIZE = 32;
const SALT_SIZE = 32;
const NONCE_SIZE = 24;

/**
 * Decrypts what cosign's encrypted key files have in their PEM block: JSON, with the key of scrypt and the box of NaCl.
 *
 * @returns the key as PKCS #8, DER
 * @throws {Error} if the password is wrong, or the box is none
 */
export function openBox(content: Uint8Array, password: string): Uint8Array {
  const { parameters, salt, nonce, ciphertext } = readBox(content);
  try {
    return xsalsa20poly1305(deriveKey(password, salt, parameters), nonce).decrypt(ciphertext);
  } catch {
    throw new Error("the password of the private key is wrong");
  }
}

/** Encrypts a key as cosign does. The opposite of {@link openBox}. */
export function sealBox(pkcs8: Uint8Array, password: string): Uint8Array {
  const salt = randomBytes(SALT_SIZE);
  const nonce = randomBytes(NONCE_SIZE);
  const ciphertext = xsalsa20poly1305(deriveKey(password, salt, WRITTEN), nonce).encrypt(pkcs8);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  return new TextEncoder().encode(JSON.stringify({
    kdf: { name: "scrypt", params: WRITTEN, salt: base64(salt) },
    cipher: { name: "nacl/secretbox", nonce: base64(nonce) },
    ciphertext: base64(ciphertext),
  }));
}

function readBox(content: Uint8Array) {
  const box = parseStrictObject(content, "what the private key is encrypted in");
  const kdf = objectIn(box, "kdf");
  const cipher = objectIn(box, "cipher");
  if (kdf.name !== "scrypt") throw new Error("the private key is not encrypted with scrypt, as cosign's keys are");
  if (cipher.name !== "nacl/secretbox") {
    throw new Error("the private key is not encrypted by nacl/secretbox, as cosign's keys are");
  }
  const params = objectIn(kdf, "params");
  const parameters = READ.find(({ N, r, p }) => params.N === N && params.r === r && params.p === p);
  if (!parameters) {
    throw new Error(
      "the private key asks for scrypt with other parameters than cosign's (N 32768, 65536 or 131072, r 8, p 1)",
    );
  }
  const nonce = decodeBase64(cipher.nonce, "the nonce of the private key");
  if (nonce.length !== NONCE_SIZE) throw new Error("the nonce of the private key is too short or too long");
  return {
    parameters,
    salt: decodeBase64(kdf.salt, "the salt of the private key"),
    nonce,
    ciphertext: decodeBase64(box.ciphertext, "the private key"),
  };
}

function objectIn(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  if (!isObject(value)) throw new Error(`what the private key is encrypted in has no object "${name}"`);
  return value;
}

function deriveKey(password: string, salt: Uint8Array, { N, r, p }: ScryptParameters): Uint8Array {
  return scryptSync(Buffer.from(password), salt, KEY_SIZE, { N, r, p, maxmem: MAX_MEMORY });
}
