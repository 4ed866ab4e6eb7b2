/** Over how long a rate is taken, in milliseconds: long enough to be calm, short enough to be true. */
const RATE_WINDOW = 4000;

/** The least time between two points of a rate, in milliseconds. */
const SAMPLE_INTERVAL = 200;

/** Something that moves. */
export interface Transfer {
  readonly label: string;
  /** In bytes. */
  readonly size: number;
  /** In bytes, with what was kept of an earlier try. */
  readonly received: number;
  /** Bytes a second; 0 while it is not known. */
  rate(now: number): number;
}

/**
 * Keeps count of what moves: each transfer by its own, and all together. It draws nothing. Times are milliseconds of any
 * clock that does not jump.
 */
export class Transfers {
  readonly #active = new Map<string, Meter>();
  readonly #total = new Meter("Total", 0);
  readonly #sizes = new Map<string, number>();

  /** A transfer begins. The same one may begin again after a failure: what it counted is taken back. */
  start(id: string, label: string, size: number, now: number): void {
    this.#total.sample(now);
    const before = this.#active.get(id);
    if (before) this.#total.receive(-before.received, now);
    if (!this.#sizes.has(id)) {
      this.#sizes.set(id, size);
      this.#total.size += size;
    }
    this.#active.set(id, new Meter(label, size, now));
  }

  /** Part of it was there from an earlier try; it counts as received, but not for the rate. */
  resume(id: string, bytes: number): void {
    this.#active.get(id)?.skip(bytes);
    this.#total.skip(bytes);
  }

  /** More of it has come. */
  receive(id: string, bytes: number, now: number): void {
    this.#active.get(id)?.receive(bytes, now);
    this.#total.receive(bytes, now);
  }

  /**
   * One long piece of work that knows how far it is, instead of how much more has come; it begins with the first call.
   *
   * @param label also its name
   * @param done so far, in bytes
   * @param size altogether, in bytes
   */
  measure(label: string, done: number, size: number, now: number): void {
    if (!this.#active.has(label)) this.start(label, label, size, now);
    this.receive(label, done - this.#active.get(label)!.received, now);
  }

  /** It is there. */
  finish(id: string): void {
    const meter = this.#active.get(id);
    if (!meter) return;
    this.#total.skip(meter.size - meter.received);
    this.#active.delete(id);
  }

  /** What moves now, the oldest first. */
  active(): readonly Transfer[] {
    return [...this.#active.values()];
  }

  /** All together: what moved, what moves, and what is known to come. */
  total(now: number): Transfer {
    this.#total.sample(now);
    return this.#total;
  }
}

class Meter implements Transfer {
  received = 0;
  /** What counts for the rate: bytes that came over the wire. */
  #moved = 0;
  #samples: { time: number; moved: number }[] = [];

  constructor(readonly label: string, public size: number, now?: number) {
    if (now !== undefined) this.#samples.push({ time: now, moved: 0 });
  }

  receive(bytes: number, now: number): void {
    this.received += bytes;
    this.#moved += bytes;
    this.sample(now);
  }

  skip(bytes: number): void {
    this.received += bytes;
  }

  sample(now: number): void {
    const last = this.#samples.at(-1);
    if (last && now - last.time < SAMPLE_INTERVAL) return;
    this.#samples.push({ time: now, moved: this.#moved });
    while (this.#samples.length > 2 && now - this.#samples[1].time > RATE_WINDOW) this.#samples.shift();
  }

  rate(now: number): number {
    const [first] = this.#samples;
    if (!first || now - first.time < SAMPLE_INTERVAL) return 0;
    return Math.max(0, (this.#moved - first.moved) / (now - first.time) * 1000);
  }
}
