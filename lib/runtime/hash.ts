import process from "node:process";

/** A running hash. */
export interface Hasher {
  update(bytes: Uint8Array): unknown;
  /** The hash of everything that was added, lower-case hex; ends the hasher. */
  digest(encoding: "hex"): string;
}

/** The part of `globalThis.Bun` that is used here. */
interface BunHash {
  CryptoHasher: new (algorithm: string) => Hasher;
}

const { Bun: bun } = globalThis as { Bun?: BunHash };

/**
 * Starts a hash. Both runtimes hash alike and equally fast, but in Bun loading `node:crypto` takes 5 ms, which is a
 * quarter of what pulling a gadget may take; its own hasher is there at once.
 */
export function createHasher(algorithm: "sha256" | "sha512"): Hasher {
  return bun ? new bun.CryptoHasher(algorithm) : process.getBuiltinModule("node:crypto").createHash(algorithm);
}
