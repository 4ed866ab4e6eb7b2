import { fstatSync, writeSync } from "node:fs";
import process from "node:process";
import { SatchelError, systemCode } from "../error.ts";

/** Where text goes. */
export type Stream = "stdout" | "stderr";

const DESCRIPTOR = { stdin: 0, stdout: 1, stderr: 2 } as const;

/** How long to wait for a full pipe that does not block, in milliseconds, before trying again. */
const FULL_PIPE_PAUSE = 5;

/** Whether a stream is a terminal. */
export function isTerminal(stream: Stream | "stdin"): boolean {
  const descriptor = DESCRIPTOR[stream];
  // node:tty brings sockets and streams along, 4 ms at start-up: it is loaded only if the answer may be yes.
  return isDevice(descriptor) && process.getBuiltinModule("node:tty").isatty(descriptor);
}

function isDevice(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice();
  } catch {
    // Closed by whoever started us.
    return false;
  }
}

/** Size of the terminal in characters; 80x24 where it does not say. */
export function terminalSize(stream: Stream): { columns: number; rows: number } {
  const { columns, rows } = process[stream];
  return { columns: columns || 80, rows: rows || 24 };
}

/**
 * Writes text, all of it, before it returns. A reader that went away (`| head`) is not an error.
 *
 * @returns whether somebody still reads
 * @throws {SatchelError} `storage` if there is no room for it, or another reason of the system's
 */
export function write(stream: Stream, text: string): boolean {
  // process.stdout is not touched: it takes milliseconds to set up, and it may lose what is queued at exit.
  let rest: Uint8Array = new TextEncoder().encode(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(DESCRIPTOR[stream], rest));
    } catch (error) {
      const code = systemCode(error);
      if (code === "EPIPE") return false;
      if (code !== "EAGAIN") throw notWritten(stream, error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_PAUSE);
    }
  }
  return true;
}

function notWritten(stream: Stream, cause: unknown): SatchelError {
  const code = systemCode(cause);
  const why = code === "ENOSPC" ? "no space left on the device" : code ?? String(cause);
  return new SatchelError("storage", `cannot write to ${stream}: ${why}`, { cause });
}
