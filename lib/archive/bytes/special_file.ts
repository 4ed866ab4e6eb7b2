import { close, constants, fstatSync, open, openSync, read, readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { hasCode, SatchelError, systemCode, systemReason } from "../../error.ts";
import { pause } from "../../runtime/mod.ts";
import { untilCancelled } from "./until_cancelled.ts";

/** What is asked for at once, in bytes: what a pipe holds. */
const CHUNK = 64 * 1024;

/** How long to wait for more where somebody has set stdin not to wait, in milliseconds. */
const WAIT = 10;

const STDIN = 0;

/**
 * Reads stdin as it comes.
 *
 * @throws {SatchelError} `usage` if it is a terminal; while iterating `storage`, `cancelled`
 */
export function readStdin(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  if (isatty(STDIN)) throw isTerminal("stdin");
  return readDescriptor(STDIN, "stdin", () => {}, signal);
}

/**
 * Opens stdin once more, where it is a regular file of which nothing has been read yet, and where the system can do that.
 *
 * @returns `undefined` for anything else
 */
export function reopenStdin(): number | undefined {
  try {
    if (!fstatSync(STDIN).isFile()) return undefined;
    if (!/^pos:\s+0$/m.test(readFileSync(`/proc/self/fdinfo/${STDIN}`, "utf8"))) return undefined;
    return openSync(`/proc/self/fd/${STDIN}`, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

/**
 * Opens a file, whatever it is, and reads it as it comes. A FIFO waits for somebody who writes to it.
 *
 * @throws {SatchelError} `storage`, `cancelled`, `usage` if it is a terminal
 */
export async function readSpecial(
  path: string,
  signal: AbortSignal | undefined,
): Promise<AsyncGenerator<Uint8Array>> {
  const opening = openDescriptor(path);
  let fd: number;
  try {
    fd = await untilCancelled(opening, signal);
  } catch (error) {
    // It may be opened all the same, when nobody wants it any more.
    if (hasCode(error, "cancelled")) opening.then(closeDescriptor, () => {});
    throw error;
  }
  if (!isatty(fd) && !fstatSync(fd).isDirectory()) return readDescriptor(fd, path, () => closeDescriptor(fd), signal);
  closeDescriptor(fd);
  throw isTerminal(path);
}

async function* readDescriptor(
  fd: number,
  name: string,
  end: () => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let reading: Promise<Uint8Array> | undefined;
  try {
    while (true) {
      reading = readChunk(fd, name, signal);
      const chunk = await untilCancelled(reading, signal);
      reading = undefined;
      if (chunk.length === 0) return;
      yield chunk;
    }
  } finally {
    // While something still reads from it, its number must not become another file's.
    if (reading) reading.then(end, end);
    else end();
  }
}

async function readChunk(fd: number, name: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const into = new Uint8Array(CHUNK);
  while (true) {
    try {
      const count = await readOnce(fd, into);
      // Small parts must not keep large memory.
      return count < CHUNK / 2 ? into.slice(0, count) : into.subarray(0, count);
    } catch (cause) {
      if (systemCode(cause) !== "EAGAIN") throw readError(name, cause);
      await pause(WAIT, signal);
    }
  }
}

function readOnce(fd: number, into: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, 0, into.length, null, (error, count) => error ? reject(error) : resolve(count));
  });
}

function openDescriptor(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, constants.O_RDONLY | constants.O_NOCTTY, (error, fd) => {
      if (error) reject(readError(path, error));
      else resolve(fd);
    });
  });
}

function closeDescriptor(fd: number): void {
  close(fd, () => {});
}

/** The error for an archive that the system does not let be read. */
export function readError(name: string, cause: unknown): SatchelError {
  return new SatchelError("storage", `Cannot read ${name}: ${systemReason(cause)}`, { cause });
}

function isTerminal(name: string): SatchelError {
  return new SatchelError("usage", `${name} is a terminal, and a file is expected there`, {
    hint: "Let a program write it there (`... | satchel ... -`), or name a file.",
  });
}
