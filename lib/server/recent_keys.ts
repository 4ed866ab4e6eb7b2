/** Keys that are kept for a while; of too many, those that were added longest ago are forgotten. */
export class RecentKeys {
  readonly #until = new Map<string, number>();
  readonly #limit: number;
  readonly #now: () => number;

  /**
   * @param limit how many are kept
   * @param now the time in milliseconds
   */
  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  has(key: string): boolean {
    return (this.#until.get(key) ?? -Infinity) > this.#now();
  }

  /** Keeps a key, from now on for `duration` milliseconds. */
  add(key: string, duration: number): void {
    this.#until.delete(key);
    this.#until.set(key, this.#now() + duration);
    if (this.#until.size > this.#limit) this.#until.delete(this.#until.keys().next().value!);
  }
}
