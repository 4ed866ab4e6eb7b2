/** Keeps what was made for the keys that were asked for last. What failed is made again. */
export class Cache<Value> {
  readonly #entries = new Map<string, Promise<Value>>();
  readonly #limit: number;

  /** @param limit how many values are kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value of a key, made by whoever asks for it first. */
  get(key: string, make: () => Promise<Value>): Promise<Value> {
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    const value = known ?? make();
    this.#entries.set(key, value);
    if (!known) value.catch(() => this.#entries.get(key) === value && this.#entries.delete(key));
    for (const [oldest] of this.#entries) {
      if (this.#entries.size <= this.#limit) break;
      this.#entries.delete(oldest);
    }
    return value;
  }

  /** The next one who asks for it makes it anew. */
  forget(key: string): void {
    this.#entries.delete(key);
  }
}
