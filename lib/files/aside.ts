import { fdatasync, read, readSync, write, writeSync } from "node:fs";

// Reading, writing and waiting for the disk in the runtime's other threads, so that the main one can hash meanwhile. There are
// about as many of these as processors.

/** Less than this is sooner done than handed over, in bytes. */
const WORTH_IT = 256 * 1024;

/** Has the disk write what is in a file. */
export function datasync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fdatasync(fd, (error) => error ? reject(error) : resolve()));
}

function isWorthIt({ length }: Uint8Array): boolean {
  return length >= WORTH_IT;
}

/**
 * Fills memory from a position of a file on. Both must be left alone until it is done.
 *
 * @returns how many bytes there were; fewer only at the end
 */
export async function fillFrom(fd: number, into: Uint8Array, position: number): Promise<number> {
  let length = 0;
  while (length < into.length) {
    const rest = into.subarray(length);
    const count = isWorthIt(rest)
      ? await readAside(fd, rest, position + length)
      : readSync(fd, rest, 0, rest.length, position + length);
    if (count === 0) break;
    length += count;
  }
  return length;
}

function readAside(fd: number, into: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, 0, into.length, position, (error, count) => error ? reject(error) : resolve(count));
  });
}

/** Writes all of `bytes` at a position. File and bytes must be left alone until it is done. */
export async function writeFrom(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const rest = bytes.subarray(done);
    done += isWorthIt(rest)
      ? await writeAside(fd, rest, position + done)
      : writeSync(fd, rest, 0, rest.length, position + done);
  }
}

function writeAside(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, position, (error, count) => error ? reject(error) : resolve(count));
  });
}
