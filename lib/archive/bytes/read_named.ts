import { statSync } from "node:fs";
import { concatBytes, type ContentOptions } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import { isMissing, storageError } from "../../files/mod.ts";
import { tooLarge } from "../../oci/mod.ts";
import { readSpecial, readStdin } from "./special_file.ts";

/**
 * Reads a file that the user has named: links are followed, and what is no regular file, as a shell's `<(...)`, is read as it
 * comes.
 *
 * @param path `-` for stdin
 * @param limit in bytes; of what is longer no more is taken into memory
 * @returns `undefined` if there is nothing
 * @throws {SatchelError} `invalid` if it is too long, `storage`, `cancelled`, `usage` if it is a terminal
 */
export async function readNamed(
  path: string,
  limit: number,
  { signal }: ContentOptions = {},
): Promise<Uint8Array | undefined> {
  if (path !== "-" && !isThere(path)) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of path === "-" ? readStdin(signal) : await readSpecial(path, signal)) {
    size += chunk.length;
    if (size > limit) throw tooLarge(path, size, limit);
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}

function isThere(path: string): boolean {
  try {
    if (!statSync(path).isDirectory()) return true;
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw storageError("read", path, cause);
  }
  throw new SatchelError("storage", `Cannot read ${path}: it is a folder`);
}
