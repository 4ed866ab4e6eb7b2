import { SatchelError } from "../../error.ts";
import { entryOf, type TarEntry } from "./entry.ts";
import { BLOCK, decodeHeader, entryName, isZero, type TarHeader } from "./header.ts";
import { type Extension, parsePax } from "./pax.ts";

/** What {@link parseTar} asks for: so many bytes, or fewer at the end; or that the bytes of an entry, and their padding, are passed. */
export type TarStep = { need: number } | { entry: TarEntry };

/** How a tar has ended: at its mark, or because nothing comes any more. */
export type TarEnd = "mark" | "end";

/** The most headers that are read. */
const MAX_HEADERS = 1_000_000;

/** The longest extended header that is read, in bytes. */
const MAX_EXTENSION = 1024 * 1024;

/** The longest path, in bytes of UTF-8; that of Linux. */
const MAX_PATH = 4096;

/** Which byte of a sparse file's header says that its map goes on, and which one of the blocks with the rest. */
const SPARSE_MORE = 482;
const SPARSE_MAP_MORE = 504;

/** Extended headers: for one entry, for all that follow, and GNU's for names and links that are too long. */
const EXTENSIONS = new Set(["x", "g", "L", "K"]);

/**
 * Reads the headers of a tar: ustar, pax, GNU and the one before all these. Whoever drives it reads the bytes.
 *
 * @param archive for the error text
 * @throws {SatchelError} `invalid`
 */
export function* parseTar(archive: string): Generator<TarStep, TarEnd, Uint8Array> {
  let extension: Extension = {};
  let position = 0;
  for (let headers = 0;; headers++) {
    const block = yield { need: BLOCK };
    const inside = extension.path === undefined ? "a header" : `the header of ${entryName(extension.path)}`;
    const isPending = Object.keys(extension).length > 0;
    if (block.length === 0 && !isPending) return "end";
    if (block.length < BLOCK) throw endsIn(inside, archive);
    if (isZero(block) && !isPending) return "mark";
    if (headers === MAX_HEADERS) throw new SatchelError("invalid", `${archive} has more than ${MAX_HEADERS} entries`);
    const header = decodeHeader(block, extension.path, archive, position);
    position += BLOCK;
    if (EXTENSIONS.has(header.type)) {
      const bytes = yield* readExtension(header, archive);
      extension = extend(extension, header, bytes, archive);
      position += padded(header.size);
      continue;
    }
    if (header.type === "S") position += yield* passSparseMap(block, archive);
    const entry = entryFrom(header, extension, archive);
    position += padded(entry.size);
    if (!Number.isSafeInteger(position)) throw endsIn(entryName(entry.path), archive);
    yield { entry };
    extension = {};
  }
}

/** The error for a tar that ends where it must not. */
export function endsIn(what: string, archive: string): SatchelError {
  const error = new SatchelError("invalid", `${archive} ends in the middle of ${what}`, {
    hint: "It was not copied whole; copy it again.",
  });
  cutOff.add(error);
  return error;
}

const cutOff = new WeakSet<Error>();

/** Whether an error is one of {@link endsIn}. */
export function isCutOff(error: unknown): error is SatchelError {
  return error instanceof SatchelError && cutOff.has(error);
}

/** With what fills the last block. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** GNU's old sparse files may have more of their map between header and bytes; returns how long that is, in bytes. */
function* passSparseMap(header: Uint8Array, archive: string): Generator<TarStep, number, Uint8Array> {
  let length = 0;
  for (let hasMore = header[SPARSE_MORE] !== 0; hasMore; length += BLOCK) {
    if (length === MAX_EXTENSION) throw new SatchelError("invalid", `${archive} has a sparse file with too many parts`);
    const block = yield { need: BLOCK };
    if (block.length < BLOCK) throw endsIn("a sparse file's header", archive);
    hasMore = block[SPARSE_MAP_MORE] !== 0;
  }
  return length;
}

function* readExtension({ path, size }: TarHeader, archive: string): Generator<TarStep, Uint8Array, Uint8Array> {
  if (size > MAX_EXTENSION) {
    const found = `it has ${size} bytes, the limit is ${MAX_EXTENSION}`;
    throw new SatchelError("invalid", `the extended header ${entryName(path)} in ${archive} is too long: ${found}`);
  }
  if (size === 0) return new Uint8Array(0);
  const bytes = yield { need: padded(size) };
  if (bytes.length < padded(size)) throw endsIn(`the extended header ${entryName(path)}`, archive);
  return bytes.subarray(0, size);
}

function extend(extension: Extension, { type, path }: TarHeader, bytes: Uint8Array, archive: string): Extension {
  const what = `the extended header ${entryName(path)} in ${archive}`;
  if (type === "L") return { ...extension, path: longName(bytes, what) };
  if (type === "K") return { ...extension, target: longName(bytes, what) };
  const parsed = parsePax(bytes, what);
  if (type === "x") return { ...extension, ...parsed };
  // Comments and times are what honest ones say of all files.
  if (Object.keys(parsed).length === 0) return extension;
  throw new SatchelError("invalid", `${what} is for all entries, yet says a path, a size or a link`);
}

/** It ends with a zero. */
function longName(bytes: Uint8Array, what: string): string {
  const end = bytes.indexOf(0);
  const name = new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
  if (name !== "") return name;
  throw new SatchelError("invalid", `${what} has an empty name`);
}

function entryFrom(header: TarHeader, extension: Extension, archive: string): TarEntry {
  const { path = header.path, target = header.target, sparse = false } = extension;
  if (new TextEncoder().encode(path).length > MAX_PATH) {
    throw new SatchelError(
      "invalid",
      `${archive} has an entry whose path is too long: ${entryName(path.slice(0, 60))}...`,
    );
  }
  // What has no bytes has none, whatever is said elsewhere.
  const hasBody = !/^[1-6]$/.test(header.type);
  const size = hasBody ? extension.size ?? header.size : 0;
  return entryOf(path, size, header.type, target.slice(0, MAX_PATH), sparse);
}
