/** Writes numbers of one byte order, for tests. */
export class ByteWriter {
  readonly isLittleEndian: boolean;
  #bytes = new Uint8Array(256);
  #length = 0;

  constructor(isLittleEndian: boolean) {
    this.isLittleEndian = isLittleEndian;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  u8(value: number): this {
    this.#room(1).setUint8(0, value);
    return this;
  }

  u16(value: number): this {
    this.#room(2).setUint16(0, value, this.isLittleEndian);
    return this;
  }

  u32(value: number): this {
    this.#room(4).setUint32(0, value, this.isLittleEndian);
    return this;
  }

  u64(value: number | bigint): this {
    this.#room(8).setBigUint64(0, BigInt(value), this.isLittleEndian);
    return this;
  }

  /** Either `u32` or `u64`. */
  word(value: number, is64Bit: boolean): this {
    return is64Bit ? this.u64(value) : this.u32(value);
  }

  put(bytes: Uint8Array): this {
    const view = this.#room(bytes.length);
    new Uint8Array(view.buffer, view.byteOffset, bytes.length).set(bytes);
    return this;
  }

  /** Zero bytes up to a multiple of some size. */
  align(size: number): this {
    return this.put(new Uint8Array((size - this.#length % size) % size));
  }

  #room(count: number): DataView {
    while (this.#length + count > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#length += count;
    return new DataView(this.#bytes.buffer, this.#length - count, count);
  }
}

/** Texts that end with a zero byte, from the empty one at 0; each stands once. */
export class StringWriter {
  readonly #offsets = new Map<string, number>([["", 0]]);
  readonly #bytes: number[] = [0];

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  /** The offset of a text. */
  add(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.#bytes.length;
    for (const byte of new TextEncoder().encode(text)) this.#bytes.push(byte);
    this.#bytes.push(0);
    this.#offsets.set(text, offset);
    return offset;
  }
}
