import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { SatchelError, systemReason } from "../../error.ts";
import { writeAll } from "../../files/mod.ts";
import { fileAccess, type RandomAccess } from "./random_access.ts";

/** What is kept in memory, in bytes; with more, all of it is written to a file. */
const MAX_MEMORY = 16 * 1024 * 1024;

const CREATE_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Keeps what has been read of a stream: in memory at first, then in a file of the spool folder that has no name, so that
 * nothing is left of it, however the program ends.
 */
export class Spool implements Disposable {
  readonly #folder: string;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #fd: number | undefined;

  /** @param folder is not looked at before it is needed */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * @param chunk is not changed afterwards
   * @throws {SatchelError} `storage`
   */
  append(chunk: Uint8Array): void {
    if (this.#fd === undefined && this.#size + chunk.length > MAX_MEMORY) this.#moveToFile();
    if (this.#fd === undefined) this.#chunks.push(chunk);
    else this.#write(this.#fd, chunk, this.#size);
    this.#size += chunk.length;
  }

  /** All of it, to be read in any order; nothing can be appended any more, and it has not to be disposed of. */
  access(): RandomAccess {
    const fd = this.#fd;
    this.#fd = undefined;
    return fd === undefined
      ? memoryAccess(joined(this.#chunks, this.#size))
      : fileAccess(fd, this.#size, `the temporary file in ${this.#folder}`);
  }

  [Symbol.dispose](): void {
    this.#chunks = [];
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #moveToFile(): void {
    const fd = this.#guard(() => openNameless(this.#folder));
    this.#fd = fd;
    let position = 0;
    for (const chunk of this.#chunks) {
      this.#write(fd, chunk, position);
      position += chunk.length;
    }
    this.#chunks = [];
  }

  #write(fd: number, chunk: Uint8Array, position: number): void {
    this.#guard(() => writeAll(fd, chunk, position));
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw new SatchelError("storage", `Cannot write a temporary file in ${this.#folder}: ${systemReason(cause)}`, {
        hint:
          "An archive that cannot be read in one pass needs as much room there as its tar has; TMPDIR names another folder.",
        cause,
      });
    }
  }
}

function openNameless(folder: string): number {
  const path = join(folder, `.satchel-${crypto.randomUUID()}`);
  const fd = openSync(path, CREATE_FLAGS, 0o600);
  unlinkSync(path);
  return fd;
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Bytes in memory. */
export function memoryAccess(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    read(into, position) {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
    [Symbol.dispose]() {},
  };
}
