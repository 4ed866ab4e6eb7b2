import type { ContentOptions } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import { tooLarge } from "../../oci/mod.ts";
import type { ArchiveFile, PassingFile } from "../files.ts";

/**
 * Reads a file of an archive whole.
 *
 * @param limit in bytes; a longer file is refused before any of it is read
 * @param what for the error text
 * @throws {SatchelError} `invalid`, and whatever the archive throws
 */
export async function readSmall(
  file: ArchiveFile | PassingFile,
  limit: number,
  what: string,
  options: ContentOptions,
): Promise<Uint8Array> {
  if (file.size > limit) throw tooLarge(what, file.size, limit);
  const bytes = new Uint8Array(file.size);
  let size = 0;
  for await (const chunk of "read" in file ? file.read() : file.open(0, options)) {
    // What it says of its size need not be true.
    if (size + chunk.length > bytes.length) throw new SatchelError("invalid", `${what} has grown while it was read`);
    bytes.set(chunk, size);
    size += chunk.length;
  }
  return bytes.subarray(0, size);
}
