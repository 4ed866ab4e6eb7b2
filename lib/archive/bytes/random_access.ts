import { closeSync, readSync } from "node:fs";
import { fillFrom, onPath, storageError } from "../../files/mod.ts";
import type { FileLocation } from "../files.ts";

/** Bytes that can be read at any place, as often as one likes. */
export interface RandomAccess extends Disposable {
  /** In bytes. */
  readonly size: number;
  /**
   * Fills `into` from a position on.
   *
   * @returns how many bytes there were; fewer only at the end
   * @throws {SatchelError} `storage`
   */
  read(into: Uint8Array, position: number): number;
  /** The same while others go on, where that is possible; memory must be left alone until it is done. */
  load?(into: Uint8Array, position: number): Promise<number>;
  /** Where these bytes lie, for messages, if that tells more than the archive's name. */
  place?(start: number, end: number): string;
  /** Where these bytes lie, if that is one file that has a name. */
  locate?(start: number, end: number): FileLocation | undefined;
}

/**
 * The bytes of a file that is open.
 *
 * @param fd is closed with it
 * @param path for messages
 */
export function fileAccess(fd: number, size: number, path: string): RandomAccess {
  let isOpen = true;
  let loading = 0;
  const checkOpen = () => {
    // By then its number may be another file's.
    if (!isOpen) throw new Error(`${path} is closed already`);
  };
  return {
    size,
    read(into, position) {
      checkOpen();
      return onPath("read", path, () => readAt(fd, into, position));
    },
    async load(into, position) {
      checkOpen();
      loading++;
      try {
        return await fillFrom(fd, into, position);
      } catch (cause) {
        throw storageError("read", path, cause);
      } finally {
        loading--;
        if (!isOpen && loading === 0) closeSync(fd);
      }
    },
    [Symbol.dispose]() {
      if (isOpen && loading === 0) closeSync(fd);
      isOpen = false;
    },
  };
}

/** Fills `into`; one call of the system may give only a part. */
export function readAt(fd: number, into: Uint8Array, position: number): number {
  let length = 0;
  while (length < into.length) {
    const count = readSync(fd, into, length, into.length - length, position + length);
    if (count === 0) break;
    length += count;
  }
  return length;
}
