import { readSync } from "node:fs";
import { throwIfCancelled } from "../error.ts";
import { nextTurn } from "../runtime/mod.ts";
import { onPath } from "./files.ts";

/** What is read from a file at once, in bytes. */
export const CHUNK = 1024 * 1024;

/** After how many chunks of hashing others get their turn: about 5 ms. */
const CHUNKS_PER_TURN = 8;

/**
 * Reads an open file.
 *
 * @param allocate gives the memory for each chunk. Default: all lie in the same
 */
export async function* readChunks(
  fd: number,
  path: string,
  offset: number,
  signal?: AbortSignal,
  allocate: () => Uint8Array = sameMemory(CHUNK),
): AsyncGenerator<Uint8Array, void, void> {
  let position = offset;
  for (let turn = 1;; turn++) {
    throwIfCancelled(signal);
    const into = allocate();
    const count = onPath("read", path, () => readSync(fd, into, 0, into.length, position));
    if (count === 0) return;
    yield into.subarray(0, count);
    position += count;
    if (turn % CHUNKS_PER_TURN === 0) await nextTurn();
  }
}

/** The same memory for each chunk: it is used before the next one is asked for. */
export function sameMemory(length: number): () => Uint8Array {
  const memory = new Uint8Array(length);
  return () => memory;
}
