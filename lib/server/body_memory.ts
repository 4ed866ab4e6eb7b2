import { setImmediate } from "node:timers";
import pLimit from "p-limit";
import type { ByteStream } from "../content/mod.ts";
import { ApiError } from "./api_error.ts";

/** What a body gets at first, in bytes, if it does not say that it is shorter. */
const FIRST = 16 * 1024;

/** What is larger is worked on one after the other, in bytes: parsed, it takes many times its size. */
const LARGE = 256 * 1024;

/** How often others have a turn before a large one is worked on: to be let in, to be read and to be answered takes a few. */
const TURNS = 8;

/** A body that has come whole; disposing of it gives its memory free. */
export interface GatheredBody extends Disposable {
  readonly bytes: Uint8Array;
}

/** One body in memory. */
interface Place {
  /** What it takes, in bytes. */
  size: number;
  owner: string;
  /** Breaks it off; `undefined` once it has come. */
  end: AbortController | undefined;
}

/**
 * Bodies that are gathered in memory, with a limit for all of them together. When it is reached, the largest that is still coming of
 * whoever has most of it is broken off: who holds much and does not end, in one body or in thousands, keeps nobody out who needs little.
 */
export class BodyMemory {
  /** In the order in which they began. */
  readonly #places = new Set<Place>();
  readonly #limit: number;
  readonly #largeOnes = pLimit(1);
  #size = 0;

  /** @param limit in bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Takes in a body.
   *
   * @param read how to read it until the signal says that it is broken off
   * @param length how long it says to be, in bytes. Default: it does not say
   * @param owner who sends it. Default: nobody in particular
   * @throws {ApiError} `TOOMANYREQUESTS` (503) if it was broken off; and what `read` throws
   */
  async gather(read: (signal: AbortSignal) => ByteStream, length = Infinity, owner = ""): Promise<GatheredBody> {
    const end = new AbortController();
    const place: Place = { size: 0, owner, end };
    this.#places.add(place);
    let memory = new Uint8Array();
    let used = 0;
    try {
      for await (const chunk of read(end.signal)) {
        end.signal.throwIfAborted();
        const needed = used + chunk.length;
        if (needed > memory.length) {
          memory = this.#enlarge(place, memory, Math.max(needed, nextSize(used, length)));
        }
        memory.set(chunk, used);
        used = needed;
      }
      end.signal.throwIfAborted();
    } catch (error) {
      this.#release(place);
      throw error;
    }
    place.end = undefined;
    return { bytes: memory.subarray(0, used), [Symbol.dispose]: () => this.#release(place) };
  }

  /** Works on a body: on a large one only when no other large one is worked on, and others had their turns in between. */
  async work<T>({ bytes }: GatheredBody, work: () => Promise<T>): Promise<T> {
    if (bytes.length <= LARGE) return await work();
    return await this.#largeOnes(async () => {
      for (let turn = 0; turn < TURNS; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
      return await work();
    });
  }

  #enlarge(place: Place, memory: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
    this.#size += size - place.size;
    place.size = size;
    while (this.#size > this.#limit) this.#breakOff(place);
    const larger = new Uint8Array(size);
    larger.set(memory);
    return larger;
  }

  /** @param asking who needs more memory; throws if it is that one that has to go */
  #breakOff(asking: Place): void {
    const coming = [...this.#places].filter(({ end }) => end);
    const owned = new Map<string, number>();
    for (const { owner, size } of coming) owned.set(owner, (owned.get(owner) ?? 0) + size);
    const isMore = (place: Place, than: Place) =>
      (owned.get(place.owner)! - owned.get(than.owner)! || place.size - than.size) >= 0;
    // They stand in the order in which they began: of several, the first.
    const largest = coming.reverse().reduce((most, place) => isMore(place, most) ? place : most, asking);
    this.#release(largest);
    largest.end?.abort(tooMuch());
    if (largest === asking) throw tooMuch();
  }

  #release(place: Place): void {
    if (this.#places.delete(place)) this.#size -= place.size;
  }
}

/** Who has sent some of what was announced gets room for the rest at once: memory that was copied is not free at once. */
function nextSize(used: number, length: number): number {
  if (used === 0) return Math.min(FIRST, length);
  return length === Infinity ? used * 4 : length;
}

function tooMuch(): ApiError {
  return new ApiError("TOOMANYREQUESTS", "too much is being sent here at the same time", {
    status: 503,
    headers: { "Retry-After": "1" },
  });
}
