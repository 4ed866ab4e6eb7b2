import { SatchelError } from "../error.ts";
import { type Descriptor, type Digest, digestAlgorithm, Digester } from "../oci/mod.ts";
import type { ByteStream, Content } from "./content.ts";

/** Hashes and counts bytes as they pass, and tells at the end whether they are what a descriptor says. */
export class Verifier {
  readonly #expected: Descriptor;
  readonly #digester: Digester;
  #size = 0;

  constructor(expected: Descriptor) {
    this.#expected = expected;
    this.#digester = new Digester(digestAlgorithm(expected.digest));
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }

  /**
   * Takes a chunk.
   *
   * @throws {SatchelError} `integrity` as soon as there are more bytes than announced
   */
  update(chunk: Uint8Array): void {
    this.admit(chunk);
    this.#size += chunk.length;
    this.#digester.update(chunk);
  }

  /**
   * Looks whether a chunk may come next, without taking it.
   *
   * @throws {SatchelError} `integrity` if there are more bytes than announced
   */
  admit(chunk: Uint8Array): void {
    if (this.#size + chunk.length <= this.#expected.size) return;
    throw new SatchelError(
      "integrity",
      `${this.#expected.digest} is longer than announced: more than ${this.#expected.size} bytes came`,
    );
  }

  /**
   * Checks size and digest of everything that was taken; call it once, at the end.
   *
   * @throws {SatchelError} `integrity`
   */
  finish(): void {
    const { digest, size } = this.#expected;
    if (this.#size !== size) {
      throw new SatchelError("integrity", `${digest} is shorter than announced: ${this.#size} of ${size} bytes came`);
    }
    const found: Digest = this.#digester.digest();
    if (found !== digest) {
      throw new SatchelError("integrity", `${digest} has other bytes than its name says: their digest is ${found}`);
    }
  }
}

/** Passes a stream on and throws at its end, or as soon as it is too long, if it is not what the descriptor says. */
async function* verified(stream: ByteStream, descriptor: Descriptor): ByteStream {
  const verifier = new Verifier(descriptor);
  for await (const chunk of stream) {
    verifier.update(chunk);
    yield chunk;
  }
  verifier.finish();
}

/**
 * Reads a whole stream into memory and checks it.
 *
 * @param limit the most bytes that are taken into memory; a descriptor that announces more is refused before any is read
 * @throws {SatchelError} `integrity`, or `invalid` for more than `limit`
 */
export async function readVerified(stream: ByteStream, descriptor: Descriptor, limit: number): Promise<Uint8Array> {
  if (descriptor.size > limit) {
    throw new SatchelError(
      "invalid",
      `${descriptor.digest} is too large: ${descriptor.size} bytes, the limit is ${limit}`,
    );
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of verified(stream, descriptor)) chunks.push(chunk.slice());
  return concatBytes(chunks);
}

/** Joins chunks. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}

/** Bytes in memory as {@link Content}. */
export function contentOf(bytes: Uint8Array): Content {
  return {
    async *open(offset = 0) {
      yield bytes.subarray(offset);
    },
  };
}
