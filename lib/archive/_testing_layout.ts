import type { MemoryRepository } from "../content/mod.ts";
import { type Annotations, type Descriptor, isManifestType, REF_NAME_ANNOTATION } from "../oci/mod.ts";
import type { ArchiveFile, ArchiveFiles, ArchiveStream, PassingFile } from "./files.ts";
import { INDEX_FILE, LAYOUT_FILE, layoutPath } from "./layout.ts";

/** Files of an archive, by their paths, in its order. */
export type Files = Map<string, Uint8Array>;

/** An entry of index.json: a manifest, and its name or all annotations. */
export type Entry = [descriptor: Descriptor, name?: string | Annotations];

/** An image layout with all that a repository has, in the order in which satchel writes it. */
export function layoutOf(repository: MemoryRepository, entries: readonly Entry[]): Files {
  const manifests = entries.map(([descriptor, name]) => ({
    ...descriptor,
    ...(name !== undefined && { annotations: typeof name === "string" ? { [REF_NAME_ANNOTATION]: name } : name }),
  }));
  const files: Files = new Map([
    [LAYOUT_FILE, bytesOf('{"imageLayoutVersion":"1.0.0"}')],
    [INDEX_FILE, bytesOf(JSON.stringify({ schemaVersion: 2, manifests }))],
  ]);
  const contents = [...repository.contents];
  const isManifest = ([, { mediaType }]: (typeof contents)[number]) => isManifestType(mediaType);
  for (const [digest, { bytes }] of [...contents.filter(isManifest), ...contents.filter((each) => !isManifest(each))]) {
    files.set(layoutPath(digest), bytes);
  }
  return files;
}

/** Files in memory that can be read in any order. */
export function filesOf(files: Files, name = "x.tar"): ArchiveFiles {
  const entries = new Map([...files].map(([path, bytes]) => [path, fileOf(path, bytes)]));
  return {
    kind: "files",
    name,
    container: "tar",
    get: (path) => entries.get(path),
    list: () => entries.values(),
    [Symbol.dispose]() {},
  };
}

function fileOf(path: string, bytes: Uint8Array): ArchiveFile {
  return { path, size: bytes.length, open: (offset = 0) => streamOf(bytes.subarray(offset)) };
}

/** A stream that remembers what was done with it. */
export interface TestStream extends ArchiveStream {
  spooled: boolean;
  announced: number;
}

/** Files in memory that go by once. */
export function passing(files: Files, name = "stdin"): TestStream {
  const entries = files.entries();
  let released = false;
  const stream: TestStream = {
    kind: "stream",
    name,
    spooled: false,
    announced: 0,
    async next() {
      const { value, done } = entries.next();
      return done ? undefined : passingFile(...value);
    },
    announce: (bytes) => void (stream.announced += bytes),
    release: () => void (released = true),
    async spool() {
      if (released) throw new Error("it was released");
      stream.spooled = true;
      return filesOf(files, name);
    },
    async [Symbol.asyncDispose]() {},
  };
  return stream;
}

function passingFile(path: string, bytes: Uint8Array): PassingFile {
  return { path, size: bytes.length, read: () => streamOf(bytes) };
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function* streamOf(bytes: Uint8Array) {
  // Chunks of odd sizes, the last one empty.
  for (let at = 0; at <= bytes.length; at += 7) yield bytes.subarray(at, at + 7);
}
