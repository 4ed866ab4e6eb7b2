import { SatchelError } from "../error.ts";

/** A name in a string table that is longer, in bytes, is an attack: thousands of symbols may share one long name. */
const MAX_NAME_LENGTH = 4096;

/**
 * How many characters of one table are given out as names, again and again the same ones too. All names of a kernel's types
 * have 2 million; what asks for so many has made its names overlap.
 */
const MAX_NAMES_LENGTH = 256 * 1024 * 1024;

const UTF_8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Bytes of one byte order, read with every offset checked. Whoever reads a table checks that all of it is there before memory
 * is taken for it.
 */
export class BinaryView {
  readonly bytes: Uint8Array;
  readonly isLittleEndian: boolean;
  readonly #view: DataView;
  /** What the bytes are, for error texts. */
  readonly #what: string;

  constructor(bytes: Uint8Array, isLittleEndian: boolean, what: string) {
    this.bytes = bytes;
    this.isLittleEndian = isLittleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(at: number): number {
    this.#expect(at, 1);
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    this.#expect(at, 2);
    return this.#view.getUint16(at, this.isLittleEndian);
  }

  u32(at: number): number {
    this.#expect(at, 4);
    return this.#view.getUint32(at, this.isLittleEndian);
  }

  i32(at: number): number {
    this.#expect(at, 4);
    return this.#view.getInt32(at, this.isLittleEndian);
  }

  u64(at: number): bigint {
    this.#expect(at, 8);
    return this.#view.getBigUint64(at, this.isLittleEndian);
  }

  i64(at: number): bigint {
    this.#expect(at, 8);
    return this.#view.getBigInt64(at, this.isLittleEndian);
  }

  /**
   * Reads an offset or a length of 8 bytes.
   *
   * @throws {SatchelError} `invalid` if it is more than a number holds exactly, which no file is long enough for
   */
  offset64(at: number): number {
    const value = Number(this.u64(at));
    if (!Number.isSafeInteger(value)) throw this.invalid(`an offset or a length of ${value} bytes`);
    return value;
  }

  /**
   * A part of these bytes, which is a view of them and no copy.
   *
   * @param part what the part is, for the error text
   */
  part(at: number, length: number, part: string): BinaryView {
    if (at < 0 || length < 0 || at + length > this.length) {
      throw this.invalid(`the ${part} reaches beyond the end`);
    }
    return new BinaryView(this.bytes.subarray(at, at + length), this.isLittleEndian, `${this.#what}: ${part}`);
  }

  /** An error about these bytes: `invalid`, with what they are before its text. */
  invalid(text: string): SatchelError {
    return new SatchelError("invalid", `${this.#what}: ${text}`);
  }

  #expect(at: number, length: number): void {
    if (at < 0 || at + length > this.length) throw this.invalid("it ends too early");
  }
}

/**
 * A table of texts that end with a zero byte, as ELF and BTF have it: looked up by offset.
 *
 * Nearly always all of it is ASCII; it is decoded once, and names are slices of that.
 */
export class StringTable {
  readonly #view: BinaryView;
  readonly #ascii: string | undefined;
  #left = MAX_NAMES_LENGTH;

  constructor(view: BinaryView) {
    this.#view = view;
    const text = new TextDecoder("latin1").decode(view.bytes);
    // deno-lint-ignore no-control-regex
    this.#ascii = /[^\x00-\x7f]/.test(text) ? undefined : text;
  }

  /**
   * The text that begins at an offset; whatever is no UTF-8 in it becomes U+FFFD.
   *
   * @throws {SatchelError} `invalid` if the offset is outside, no zero byte follows, the text has more than 4,096 bytes, or
   * all texts so far have more than 256 MiB
   */
  at(offset: number): string {
    if (offset >= this.#view.length) {
      // A table that is not there has the empty name alone.
      if (offset === 0) return "";
      throw this.#view.invalid("a name begins beyond the end");
    }
    const end = this.#ascii === undefined ? this.#view.bytes.indexOf(0, offset) : this.#ascii.indexOf("\0", offset);
    if (end === -1) throw this.#view.invalid("a name does not end");
    if (end - offset > MAX_NAME_LENGTH) throw this.#view.invalid(`a name has more than ${MAX_NAME_LENGTH} bytes`);
    this.#left -= end - offset;
    if (this.#left < 0) throw this.#view.invalid(`its names have more than ${MAX_NAMES_LENGTH} bytes altogether`);
    return this.#ascii?.slice(offset, end) ?? UTF_8.decode(this.#view.bytes.subarray(offset, end));
  }
}
