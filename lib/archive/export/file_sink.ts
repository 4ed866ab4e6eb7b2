import { throwIfCancelled } from "../../error.ts";
import { syncAlong, writeAll } from "../../files/mod.ts";
import { checkSpace, type FileDestination, writeError } from "./destination.ts";
import { untilCancelled } from "../bytes/until_cancelled.ts";
import type { ArchiveSink, SinkOptions } from "./sink.ts";
import { openTemporary, syncNames, temporaryPath } from "./temporary_file.ts";

/**
 * Writes an archive into a file, which appears under its name whole or not at all.
 *
 * @throws {SatchelError} `storage` if there is no room or no right to write, `busy`, `refused`
 */
export function openFileSink(destination: FileDestination, { size, signal }: SinkOptions): ArchiveSink {
  const { name, path, folder, existing } = destination;
  const temporary = openTemporary(temporaryPath(folder, path), name);
  try {
    checkSpace(destination, size);
  } catch (error) {
    temporary[Symbol.dispose]();
    throw error;
  }
  const { fd } = temporary.file;
  const disk = syncAlong(fd);
  let position = 0;
  return {
    write(bytes) {
      throwIfCancelled(signal);
      try {
        writeAll(fd, bytes, position);
      } catch (cause) {
        throw writeError(name, cause);
      }
      position += bytes.length;
      disk.wrote(bytes.length);
    },
    readAgain(from, length) {
      try {
        return temporary.readAgain(from, length);
      } catch (cause) {
        throw writeError(name, cause);
      }
    },
    async finish() {
      try {
        await untilCancelled(disk.finish(), signal);
        temporary.rename(path, existing);
      } catch (cause) {
        throw writeError(name, cause);
      }
      syncNames(folder, name);
      return [];
    },
    async [Symbol.asyncDispose]() {
      // At once: the disk may take longer than there is time after Ctrl-C.
      temporary.remove();
      await disk.settle();
      temporary[Symbol.dispose]();
    },
  };
}
