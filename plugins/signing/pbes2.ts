import { Buffer } from "node:buffer";
import { createDecipheriv, pbkdf2Sync, scryptSync } from "node:crypto";

/** An element of DER (X.690, section 10). */
interface Element {
  tag: number;
  /** What is in it. */
  content: Uint8Array;
}

const INTEGER = 0x02;
const OCTETS = 0x04;
const OBJECT = 0x06;
const SEQUENCE = 0x30;

/** Object identifiers, as the hexadecimal bytes that DER has for them. */
const PBES2 = "2a864886f70d01050d";
const PBKDF2 = "2a864886f70d01050c";
const SCRYPT = "2b06010401da47040b";
const HMACS: Readonly<Record<string, string>> = {
  "2a864886f70d0207": "sha1",
  "2a864886f70d0208": "sha224",
  "2a864886f70d0209": "sha256",
  "2a864886f70d020a": "sha384",
  "2a864886f70d020b": "sha512",
};
const CIPHERS: Readonly<Record<string, { name: string; keyLength: number }>> = {
  "60864801650304012a": { name: "aes-256-cbc", keyLength: 32 },
  "608648016503040102": { name: "aes-128-cbc", keyLength: 16 },
};

/** What is more would take minutes: a key file says itself how much work it is. */
const MAX_ITERATIONS = 10_000_000;

/** Memory that scrypt may take, in bytes. */
const MAX_SCRYPT_MEMORY = 256 * 1024 * 1024;

/** Refuses to read on. It knows nothing of the key, and tells nothing. */
const DAMAGED = "the encrypted private key is damaged";

/**
 * Decrypts a key of PKCS #8 by PBES2 (RFC 8018, section 6.2), with PBKDF2 or scrypt, and AES-128 or AES-256
 * (Deno has no AES-192).
 *
 * @param der `EncryptedPrivateKeyInfo`
 * @returns `PrivateKeyInfo`, DER
 * @throws {Error} if the password is wrong, the content is none, its algorithms are others, or they would take too long
 */
export function decryptPkcs8(der: Uint8Array, password: string): Uint8Array {
  const [algorithm, encrypted] = inside(only(der, SEQUENCE), SEQUENCE, OCTETS);
  const [scheme, parameters] = inside(algorithm.content, OBJECT, SEQUENCE);
  if (hex(scheme) !== PBES2) throw new Error("the private key is encrypted in a way that is not known: PBES2 is");
  const [derivation, encryption] = inside(parameters.content, SEQUENCE, SEQUENCE);
  const [cipherName, iv] = inside(encryption.content, OBJECT, OCTETS);
  const cipher = CIPHERS[hex(cipherName)];
  if (!cipher) {
    throw new Error("the private key is encrypted by a cipher that is not known: AES-128 and AES-256 in CBC are");
  }
  if (iv.content.length !== 16) throw new Error(DAMAGED);
  const key = deriveKey(derivation.content, password, cipher.keyLength);
  try {
    const decipher = createDecipheriv(cipher.name, key, iv.content);
    const plain = Buffer.concat([decipher.update(encrypted.content), decipher.final()]);
    only(plain, SEQUENCE);
    return plain;
  } catch {
    throw new Error("the password of the private key is wrong");
  }
}

function deriveKey(derivation: Uint8Array, password: string, length: number): Uint8Array {
  const [name, parameters] = inside(derivation, OBJECT, SEQUENCE);
  const given = elements(parameters.content);
  if (given[0]?.tag !== OCTETS) throw new Error(DAMAGED);
  const salt = given[0].content;
  const text = Buffer.from(password);
  if (hex(name) === PBKDF2) {
    const iterations = numberOf(given[1]);
    if (iterations < 1) throw new Error(DAMAGED);
    if (iterations > MAX_ITERATIONS) {
      throw new Error(`the private key asks for more than ${MAX_ITERATIONS} rounds of PBKDF2, which is too many`);
    }
    const prf = given.find(({ tag }) => tag === SEQUENCE);
    const hash = prf ? HMACS[hex(elements(prf.content)[0])] : "sha1";
    if (!hash) throw new Error("the private key is encrypted with a hash that is not known");
    return pbkdf2Sync(text, salt, iterations, length, hash);
  }
  if (hex(name) === SCRYPT) {
    const [n, r, p] = given.slice(1, 4).map(numberOf);
    return deriveByScrypt(text, salt, { n, r, p }, length);
  }
  throw new Error("the private key is encrypted in a way that is not known: PBKDF2 and scrypt are");
}

function deriveByScrypt(
  password: Uint8Array,
  salt: Uint8Array,
  { n, r, p }: { n: number; r: number; p: number },
  length: number,
): Uint8Array {
  const isPower = n > 1 && Number.isInteger(Math.log2(n));
  if (!isPower || !(r > 0) || !(p > 0)) throw new Error(DAMAGED);
  if (128 * n * r * p > MAX_SCRYPT_MEMORY) {
    throw new Error(`the private key asks for scrypt with N=${n}, r=${r}, p=${p}, which is too much`);
  }
  return scryptSync(password, salt, length, { N: n, r, p, maxmem: 2 * MAX_SCRYPT_MEMORY });
}

/** The elements in a constructed one, which has to have these as its first ones. */
function inside<const Tags extends readonly number[]>(
  content: Uint8Array,
  ...tags: Tags
): { [Index in keyof Tags]: Element } {
  const found = elements(content);
  if (tags.some((tag, index) => found[index]?.tag !== tag)) throw new Error(DAMAGED);
  return found as unknown as { [Index in keyof Tags]: Element };
}

/** What is in the one element that some bytes are. */
function only(der: Uint8Array, tag: number): Uint8Array {
  const found = elements(der);
  if (found.length !== 1 || found[0].tag !== tag) throw new Error(DAMAGED);
  return found[0].content;
}

function elements(der: Uint8Array): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < der.length;) {
    const tag = der[at];
    const first = der[at + 1];
    // A length of up to three bytes is enough for what is below 64 KiB.
    const more = first > 0x80 ? first - 0x80 : 0;
    if (first === undefined || first === 0x80 || more > 3) throw new Error(DAMAGED);
    let length = more === 0 ? first : 0;
    for (let index = 0; index < more; index++) length = length * 256 + (der[at + 2 + index] ?? 0);
    const start = at + 2 + more;
    if (start + length > der.length) throw new Error(DAMAGED);
    found.push({ tag, content: der.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

function numberOf(element: Element | undefined): number {
  if (element?.tag !== INTEGER || element.content.length === 0 || element.content[0] > 0x7f) throw new Error(DAMAGED);
  if (element.content.length > 6) return Number.POSITIVE_INFINITY;
  return element.content.reduce((value, byte) => value * 256 + byte, 0);
}

function hex(element: Element | undefined): string {
  return Buffer.from(element?.content ?? []).toString("hex");
}
