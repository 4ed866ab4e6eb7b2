import { close, constants, fstatSync, open, write } from "node:fs";
import { SatchelError, systemCode, throwIfCancelled } from "../../error.ts";
import { pause } from "../../runtime/mod.ts";
import { type StreamDestination, writeError } from "./destination.ts";
import type { ArchiveSink, SinkOptions } from "./sink.ts";
import { untilCancelled } from "../bytes/until_cancelled.ts";

/** How long to wait for a full pipe that does not block, in milliseconds, before trying again. */
const FULL_PIPE_PAUSE = 5;

/**
 * Writes an archive straight into a pipe, a FIFO or a device, as fast as it is taken there. A FIFO is waited for until somebody
 * reads it.
 *
 * @throws {SatchelError} `storage`, `cancelled`
 */
export async function openStreamSink({ name, to }: StreamDestination, { signal }: SinkOptions): Promise<ArchiveSink> {
  throwIfCancelled(signal);
  const fd = typeof to === "number" ? to : await openByPath(name, to, signal);
  return {
    async write(bytes) {
      for (let rest = bytes; rest.length > 0;) {
        throwIfCancelled(signal);
        rest = rest.subarray(await writeSome(fd, name, rest, signal));
      }
    },
    finish: () => Promise.resolve([]),
    [Symbol.asyncDispose]() {
      // A write may be under way that nobody takes: then closing would wait for it.
      if (typeof to === "string" && !signal?.aborted) close(fd, () => {});
      return Promise.resolve();
    },
  };
}

async function writeSome(fd: number, name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<number> {
  try {
    return await untilCancelled(writeOnce(fd, bytes), signal);
  } catch (cause) {
    if (systemCode(cause) !== "EAGAIN") throw writeError(name, cause);
    await pause(FULL_PIPE_PAUSE, signal, `writing ${name}`);
    return 0;
  }
}

function writeOnce(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) =>
    write(fd, bytes, 0, bytes.length, null, (error, written) => error ? reject(error) : resolve(written))
  );
}

async function openByPath(name: string, path: string, signal: AbortSignal | undefined): Promise<number> {
  const flags = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NOCTTY;
  const opened = new Promise<number>((resolve, reject) =>
    open(path, flags, (error, fd) => error ? reject(error) : resolve(fd))
  );
  let fd: number;
  try {
    fd = await untilCancelled(opened, signal);
  } catch (cause) {
    throw writeError(name, cause);
  }
  const stat = fstatSync(fd);
  if (stat.isFIFO() || stat.isCharacterDevice()) return fd;
  close(fd, () => {});
  throw new SatchelError("refused", `${name} was replaced by something else while it was opened`);
}
