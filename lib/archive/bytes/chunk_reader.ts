const EMPTY = new Uint8Array(0);

/** Reads chunks that come one after another as if they were one piece. */
export class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #onChunk: (chunk: Uint8Array) => void;
  #rest: Uint8Array = EMPTY;

  /**
   * @param chunks each is memory of its own
   * @param onChunk told of each when it comes
   */
  constructor(chunks: AsyncIterable<Uint8Array>, onChunk: (chunk: Uint8Array) => void = () => {}) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#onChunk = onChunk;
  }

  /** The next bytes, as they come, at most `limit`; none at the end. */
  async some(limit: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#chunks.next();
      if (done) return EMPTY;
      this.#onChunk(value);
      this.#rest = value;
    }
    const taken = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** The next `size` bytes in one piece; fewer at the end. */
  async read(size: number): Promise<Uint8Array> {
    const first = await this.some(size);
    if (first.length === size || first.length === 0) return first;
    const bytes = new Uint8Array(size);
    bytes.set(first);
    let length = first.length;
    while (length < size) {
      const chunk = await this.some(size - length);
      if (chunk.length === 0) break;
      bytes.set(chunk, length);
      length += chunk.length;
    }
    return bytes.subarray(0, length);
  }

  /** Nothing more is read. */
  async stop(): Promise<void> {
    await this.#chunks.return?.();
  }
}
