import { Buffer } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { SatchelError } from "./error.ts";

/**
 * Reads a small regular file, a configuration or an auth file. A FIFO in its place would make the program wait for ever, and
 * a device would fill its memory, so both are refused.
 *
 * @param limit in bytes; a longer file is refused before any of it is read
 * @param check told what the opened file is before any of it is read; may throw
 * @throws {SatchelError} `invalid` if it is no regular file or too long; what the system throws otherwise
 */
export function readSmallFile(path: string, limit: number, check?: (stat: Stats) => void): Uint8Array {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new SatchelError("invalid", `${path} is not a regular file`);
    if (stat.size > limit) throw new SatchelError("invalid", `${path} is larger than ${limit} bytes`);
    check?.(stat);
    const bytes = Buffer.alloc(stat.size);
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count) {
      count = readSync(fd, bytes, length, bytes.length - length, length);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}
