import { CHUNK } from "./chunks.ts";

/** The most memory that is kept while nobody reads, in pieces of {@link CHUNK} bytes. */
const MAX_FREE = 8;

const free: Uint8Array[] = [];

/** Pieces of memory that go round: new memory costs as much as reading into it. */
export interface ChunkMemory extends Disposable {
  /** One of so many pieces, by turns. */
  next(length: number): Uint8Array;
}

/**
 * Borrows memory for chunks.
 *
 * @param pieces how many chunks are in use at the same time
 */
export function borrowChunks(pieces: number): ChunkMemory {
  const taken: Uint8Array[] = [];
  let at = 0;
  return {
    next(length) {
      if (at === taken.length) taken.push(free.pop() ?? new Uint8Array(CHUNK));
      const piece = taken[at];
      at = (at + 1) % pieces;
      return piece.subarray(0, length);
    },
    [Symbol.dispose]() {
      free.push(...taken.splice(0, MAX_FREE - free.length));
    },
  };
}
