import { type ByteStream, concatBytes, type ContentOptions } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { tooLarge } from "../oci/mod.ts";
import type { ArchiveFile, PassingFile } from "./files.ts";

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
  return await readAll("read" in file ? file.read() : file.open(0, options), limit, what);
}

async function readAll(stream: ByteStream, limit: number, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    // What it says of its size need not be true.
    if (size > limit) throw new SatchelError("invalid", `${what} is too large: the limit is ${limit} bytes`);
    chunks.push(chunk.slice());
  }
  return concatBytes(chunks);
}
