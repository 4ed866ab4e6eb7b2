import { type Digest, type digestAlgorithm, digestHex } from "../../oci/mod.ts";

type Algorithm = ReturnType<typeof digestAlgorithm>;

/** Of a digest's hex digits as many are one number: 48 bits, which a double has exactly. */
const DIGITS = 12;

/**
 * The first digits of many digests, 12 or more of each. Those of 12, as inventories have them, take 8 bytes each: as texts in a
 * set they would take a hundred.
 */
export class DigestPrefixes {
  readonly #short: Record<Algorithm, Numbers> = { sha256: new Numbers(), sha512: new Numbers() };
  /** By how long they are. */
  readonly #long = new Map<number, Set<string>>();
  #size = 0;

  /** How many were added. */
  get size(): number {
    return this.#size;
  }

  /** @param hex lower case, at least 12 digits */
  add(algorithm: Algorithm, hex: string): void {
    this.#size++;
    if (hex.length === DIGITS) return this.#short[algorithm].add(parseInt(hex, 16));
    const same = this.#long.get(hex.length) ?? new Set();
    this.#long.set(hex.length, same.add(`${algorithm}:${hex}`));
  }

  /** Whether one of them is how this digest begins. */
  has(digest: Digest): boolean {
    const hex = digestHex(digest);
    const algorithm = digest.slice(0, -hex.length - 1) as Algorithm;
    if (this.#short[algorithm].has(parseInt(hex.slice(0, DIGITS), 16))) return true;
    return this.#long.entries().some(([length, known]) => known.has(`${algorithm}:${hex.slice(0, length)}`));
  }
}

/** A set of numbers, 8 bytes each; sorted when the first is looked for. */
class Numbers {
  #values = new Float64Array(1024);
  #length = 0;
  #isSorted = true;

  add(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
    this.#isSorted = false;
  }

  has(value: number): boolean {
    if (!this.#isSorted) this.#values.subarray(0, this.#length).sort();
    this.#isSorted = true;
    let [from, to] = [0, this.#length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#values[middle] < value) from = middle + 1;
      else to = middle;
    }
    return from < this.#length && this.#values[from] === value;
  }
}
