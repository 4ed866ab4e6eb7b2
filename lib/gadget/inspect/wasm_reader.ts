import { SatchelError } from "../../error.ts";

/** No name in a module is longer, in bytes. */
const MAX_NAME = 4096;

/** Bytes of a WebAssembly module, read from the first to the last with every step checked. */
export class WasmReader {
  readonly bytes: Uint8Array;
  readonly #what: string;
  #at: number;

  /**
   * @param what what the bytes are, for error texts
   * @param at where to begin
   */
  constructor(bytes: Uint8Array, what: string, at = 0) {
    this.bytes = bytes;
    this.#what = what;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  byte(what: string): number {
    const byte = this.bytes[this.#at];
    if (byte === undefined) throw this.invalid(`it ends before the ${what}`);
    this.#at++;
    return byte;
  }

  /** A number of 32 bits that takes four bytes. */
  u32le(what: string): number {
    const [a, b, c, d] = [1, 2, 3, 4].map(() => this.byte(what)) as [number, number, number, number];
    return (a | b << 8 | c << 16 | d << 24) >>> 0;
  }

  /** A number of up to 32 bits, which takes as many bytes as it needs (LEB128). */
  u32(what: string): number {
    const first = this.bytes[this.#at];
    // Most have one byte.
    if (first === undefined || first >= 0x80) return Number(this.integer(32, what));
    this.#at++;
    return first;
  }

  /**
   * A number without a sign in LEB128, which may have zeros in front as far as the bits reach.
   *
   * @throws {SatchelError} `invalid` if it takes more bits
   */
  integer(bits: number, what: string): bigint {
    let value = 0n;
    for (let shift = 0; shift < bits; shift += 7) {
      const byte = this.byte(what);
      value |= BigInt(byte & 0x7f) << BigInt(shift);
      if ((byte & 0x80) !== 0) continue;
      if (value >> BigInt(bits) !== 0n) break;
      return value;
    }
    throw this.invalid(`a ${what} of more than ${bits} bits`);
  }

  /** A name, which has its length before it. */
  name(): string {
    const length = this.u32("name's length");
    if (length > MAX_NAME) throw this.invalid(`a name of ${length} bytes`);
    const { bytes } = this.part(length, "name");
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.invalid("a name that is not UTF-8");
    }
  }

  /** Passes some bytes. */
  skip(length: number, what: string): void {
    if (length > this.bytes.length - this.#at) throw this.invalid(`the ${what} reaches beyond the end`);
    this.#at += length;
  }

  /** The next bytes, as a reader of their own. */
  part(length: number, what: string): WasmReader {
    const begin = this.#at;
    this.skip(length, what);
    return new WasmReader(this.bytes.subarray(begin, this.#at), this.#what);
  }

  /**
   * A list, which has the number of its items before it.
   *
   * @throws {SatchelError} `invalid` if there are more than `most`
   */
  list<T>(what: string, most: number, read: () => T): T[] {
    const count = this.u32(`number of ${what}`);
    if (count > most) throw this.invalid(`${count} ${what}, more than ${most}`);
    return Array.from({ length: count }, read);
  }

  /** An error about these bytes: `invalid`, with what they are before its text. */
  invalid(text: string): SatchelError {
    return new SatchelError("invalid", `${this.#what}: ${text}`);
  }
}
