import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { createHasher, type Hasher } from "../runtime/hash.ts";

/** `algorithm:hex`, checked by {@link parseDigest} (image-spec 1.1, descriptor.md, "Digests"). */
export type Digest = `${"sha256" | "sha512"}:${string}`;

/** Length of the hex part of each algorithm that satchel computes. */
const HEX_LENGTH = { sha256: 64, sha512: 128 } as const;

/** An algorithm that satchel computes. */
export type DigestAlgorithm = keyof typeof HEX_LENGTH;

const DIGEST_GRAMMAR = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;

/** Whether `text` is a digest of an algorithm that satchel knows. */
export function isDigest(text: unknown): text is Digest {
  if (typeof text !== "string") return false;
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, colon);
  if (algorithm !== "sha256" && algorithm !== "sha512") return false;
  const hex = text.slice(colon + 1);
  return hex.length === HEX_LENGTH[algorithm] && /^[0-9a-f]+$/.test(hex);
}

/** Whether `text` has the form of a digest, of an algorithm that satchel does not compute. */
export function hasUnknownAlgorithm(text: string): boolean {
  return DIGEST_GRAMMAR.test(text) && !Object.hasOwn(HEX_LENGTH, text.slice(0, text.indexOf(":")));
}

/**
 * Checks a digest that came from outside.
 *
 * @throws {SatchelError} `invalid` if it is malformed or of an algorithm that satchel does not compute
 */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  const shown = printable(JSON.stringify(text.length > 160 ? `${text.slice(0, 160)}...` : text));
  if (hasUnknownAlgorithm(text)) {
    throw new SatchelError("invalid", `unsupported digest algorithm in ${shown}`, {
      hint: "satchel computes sha256 and sha512.",
    });
  }
  throw new SatchelError("invalid", `invalid digest ${shown}`);
}

/** The algorithm of a digest. */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(":")) as DigestAlgorithm;
}

/** The part after the colon, lower-case hex. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The first twelve characters of the hex part, as lists show a digest. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12);
}

/** The sha256 digest of some bytes. */
export function digestOf(bytes: Uint8Array): Digest {
  const digester = new Digester();
  digester.update(bytes);
  return digester.digest();
}

/** A running hash that ends in a {@link Digest}. */
export class Digester {
  readonly #algorithm: DigestAlgorithm;
  readonly #hash: Hasher;

  constructor(algorithm: DigestAlgorithm = "sha256") {
    this.#algorithm = algorithm;
    this.#hash = createHasher(algorithm);
  }

  /** Adds bytes. */
  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** The digest of everything that was added; call it once, at the end. */
  digest(): Digest {
    return `${this.#algorithm}:${this.#hash.digest("hex")}`;
  }
}
