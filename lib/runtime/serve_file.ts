import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { SatchelError, systemCode } from "../error.ts";

const { Bun: bun } = globalThis as { Bun?: { file(path: string): Blob } };

/** How much is read at once where the runtime does not send files by itself. */
const CHUNK = 256 * 1024;

/**
 * Makes what sends parts of files as bodies of responses. The runtime does it by itself where it can, and opens the file by its path.
 *
 * @param ownerOf who could exchange a file for a link to what only this process may read, as the number of a user: then it is opened
 *   here, and sent only if it belongs to that user. Default: nobody could
 * @returns a function that throws `SatchelError`: `not-found` if the file is gone, `refused` for what is no regular file or somebody
 *   else's
 */
export function fileSender(
  ownerOf: (path: string) => number | undefined = () => undefined,
): (path: string, offset: number, length: number) => BodyInit {
  return (path, offset, length) => {
    const owner = ownerOf(path);
    if (!bun || owner !== undefined) return openBody(path, offset, length, owner);
    if (!unlessGone(path, () => lstatSync(path)).isFile()) throw noFile(path);
    return bun.file(path).slice(offset, offset + length);
  };
}

/** {@link fileSender} for files that nobody else could exchange. */
export const fileBody: ReturnType<typeof fileSender> = fileSender();

function openBody(path: string, offset: number, length: number, owner: number | undefined): ReadableStream<Uint8Array> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const fd = unlessGone(path, () => openSync(path, flags));
  const stat = fstatSync(fd);
  if (!stat.isFile() || (owner !== undefined && stat.uid !== owner)) {
    closeSync(fd);
    throw noFile(path);
  }
  let position = offset;
  const readNext = () => {
    const memory = new Uint8Array(Math.min(CHUNK, offset + length - position));
    const read = memory.length > 0 ? readSync(fd, memory, 0, memory.length, position) : 0;
    position += read;
    // Whoever was told the length would wait for the rest until it gives up.
    if (read === 0 && position < offset + length) throw new SatchelError("integrity", `${path} has become shorter`);
    return memory.subarray(0, read);
  };
  return new ReadableStream({
    pull(controller) {
      let chunk: Uint8Array;
      try {
        chunk = readNext();
      } catch (error) {
        closeSync(fd);
        throw error;
      }
      if (chunk.length > 0) return controller.enqueue(chunk);
      closeSync(fd);
      controller.close();
    },
    cancel: () => closeSync(fd),
  }, { highWaterMark: 0 });
}

/** Whoever removes an image beside a server removes its files. */
function unlessGone<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (cause) {
    if (systemCode(cause) !== "ENOENT") throw cause;
    throw new SatchelError("not-found", `${path} is not there any more`, { cause });
  }
}

function noFile(path: string): SatchelError {
  return new SatchelError("refused", `${path} is not a regular file of the store's owner`);
}
