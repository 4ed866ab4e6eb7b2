import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import type { ByteStream, ContentOptions } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { isMissing, onPath, openToRead, readChunks, statOf } from "../files/mod.ts";
import { printable } from "../printable.ts";
import type { ArchiveFile, ArchiveFiles } from "./files.ts";

/** Files that may stand at the top of a folder that is an archive. */
const TOP_FILES = ["oci-layout", "index.json", "manifest.json"];

const BLOBS = "blobs";

/** The most files that are listed. */
const MAX_FILES = 1_000_000;

/** Reads the files of a folder, whose path is given as for an archive. No link in it is followed. */
export function openFolder(path: string): ArchiveFiles {
  const get = (file: string) => fileIn(path, file);
  return {
    kind: "files",
    name: path,
    container: "folder",
    get,
    *list() {
      for (const file of [...TOP_FILES, ...blobsIn(path)]) {
        const found = get(file);
        if (found) yield found;
      }
    },
    [Symbol.dispose]() {},
  };
}

/** @throws {SatchelError} `invalid` if there is something else, `storage` */
function fileIn(folder: string, path: string): ArchiveFile | undefined {
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0"))) return undefined;
  let whole = folder;
  for (const [at, part] of parts.entries()) {
    whole = join(whole, part);
    const stat = statOf(whole);
    if (!stat) return undefined;
    if (stat.isSymbolicLink()) {
      throw notRead(folder, parts.slice(0, at + 1), "it is a link, and links are not followed");
    }
    const isLast = at === parts.length - 1;
    if (isLast && !stat.isFile()) throw notRead(folder, parts, "it is not a regular file");
    if (!isLast && !stat.isDirectory()) return undefined;
    if (isLast) {
      const open: ArchiveFile["open"] = (offset, options) => read(whole, offset, options);
      return { path, size: stat.size, place: whole, location: { path: whole, offset: 0 }, open };
    }
  }
  return undefined;
}

function notRead(folder: string, parts: readonly string[], why: string): SatchelError {
  return new SatchelError("invalid", `"${printable(parts.join("/"), 300)}" in ${folder} cannot be read: ${why}`);
}

async function* read(path: string, offset = 0, { signal }: ContentOptions = {}): ByteStream {
  using file = openToRead(path);
  if (!file) throw new SatchelError("not-found", `${path} is not there any more`);
  yield* readChunks(file.fd, path, offset, signal);
}

function* blobsIn(folder: string): Iterable<string> {
  let count = 0;
  for (const algorithm of namesIn(join(folder, BLOBS), (each) => each.isDirectory())) {
    for (const name of namesIn(join(folder, BLOBS, algorithm), (each) => each.isFile())) {
      if (++count > MAX_FILES) throw new SatchelError("invalid", `${folder} has more than ${MAX_FILES} blobs`);
      yield `${BLOBS}/${algorithm}/${name}`;
    }
  }
}

function namesIn(folder: string, isWanted: (entry: Dirent) => boolean): string[] {
  return onPath("read", folder, () => {
    try {
      return readdirSync(folder, { withFileTypes: true }).filter(isWanted).map(({ name }) => name).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  });
}
