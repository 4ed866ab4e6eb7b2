import type { ByteStream, ContentOptions } from "../../content/mod.ts";
import { throwIfCancelled } from "../../error.ts";
import { borrowChunks, CHUNK } from "../../files/mod.ts";
import { nextTurn } from "../../runtime/mod.ts";
import type { ArchiveFile, ArchiveFiles, OpenOptions } from "../files.ts";
import type { RandomAccess } from "../bytes/random_access.ts";
import type { TarEntry } from "./entry.ts";
import { entryName, isZero } from "./header.ts";
import { TarIndex } from "./index.ts";
import { endsIn, padded, parseTar } from "./parse.ts";

/** How many headers are read before others get their turn. */
const HEADERS_PER_TURN = 1000;

/** What has no more bytes than this is read at once, into memory of its own. */
const SMALL = 64 * 1024;

/** After how many chunks others get their turn. */
const CHUNKS_PER_TURN = 8;

/** Where an entry's bytes are, in bytes. */
interface Span {
  offset: number;
  size: number;
}

/**
 * Reads the headers of a tar.
 *
 * @param access is closed with what is returned, or if there is an error
 * @param name of the archive, for messages
 * @throws {SatchelError} `invalid`, `storage`, `cancelled`
 */
export async function openTar(
  access: RandomAccess,
  name: string,
  { signal, onWarning }: Pick<OpenOptions, "signal" | "onWarning">,
): Promise<ArchiveFiles> {
  try {
    const index = new TarIndex<Span>(name);
    const { position, end } = await readHeaders(access, name, (entry, offset) => {
      const span = { offset, size: entry.size };
      return index.add(entry, span, (other) => isSame(access, span, other, { signal }));
    }, { signal });
    const passedOver = index.warning();
    if (passedOver !== undefined) onWarning?.(passedOver);
    if (end === "end") onWarning?.(noMarkText(name));
    else if (!isPadding(access, position)) onWarning?.(garbageText(name));
    return tarFiles(access, name, index);
  } catch (error) {
    access[Symbol.dispose]();
    throw error;
  }
}

/** The warning about what stands behind the end of a tar. */
export function garbageText(name: string): string {
  return `What stands in ${name} behind the end of its tar is passed over`;
}

/** The warning about a tar that may have been cut at the border of an entry. */
export function noMarkText(name: string): string {
  return `${name} ends without the mark of its end; it may not be whole`;
}

async function readHeaders(
  access: RandomAccess,
  name: string,
  onEntry: (entry: TarEntry, offset: number) => Promise<void>,
  { signal }: ContentOptions,
) {
  const parser = parseTar(name);
  let position = 0;
  let step = parser.next();
  for (let headers = 1; !step.done; headers++) {
    if ("need" in step.value) {
      const bytes = new Uint8Array(step.value.need);
      const length = access.read(bytes, position);
      position += length;
      step = parser.next(bytes.subarray(0, length));
    } else {
      const { entry } = step.value;
      if (position + entry.size > access.size) throw endsIn(entryName(entry.path), name);
      await onEntry(entry, position);
      position += padded(entry.size);
      step = parser.next();
    }
    if (headers % HEADERS_PER_TURN === 0) {
      throwIfCancelled(signal);
      await nextTurn();
    }
  }
  return { position, end: step.value };
}

/** Of what may be large only the start is looked at. */
function isPadding(access: RandomAccess, position: number): boolean {
  const bytes = new Uint8Array(Math.min(CHUNK, Math.max(access.size - position, 0)));
  return isZero(bytes.subarray(0, access.read(bytes, position)));
}

async function isSame(access: RandomAccess, one: Span, other: Span, options: ContentOptions): Promise<boolean> {
  if (one.size !== other.size) return false;
  const into = new Uint8Array(Math.min(CHUNK, one.size));
  let position = other.offset;
  for await (const chunk of read(access, one, options, "")) {
    const length = access.read(into.subarray(0, chunk.length), position);
    if (length < chunk.length || chunk.some((byte, at) => byte !== into[at])) return false;
    position += length;
  }
  return true;
}

function tarFiles(access: RandomAccess, name: string, index: TarIndex<Span>): ArchiveFiles {
  const fileAt = (path: string, span: Span): ArchiveFile => {
    const place = access.place?.(span.offset, span.offset + span.size);
    const location = access.locate?.(span.offset, span.offset + span.size);
    return {
      path,
      size: span.size,
      open: (offset = 0, options = {}) => {
        const rest = { offset: span.offset + offset, size: Math.max(span.size - offset, 0) };
        return read(access, rest, options, `${entryName(path)} in ${name}`);
      },
      ...(place !== undefined && { place }),
      ...(location && { location }),
    };
  };
  return {
    kind: "files",
    name,
    container: "tar",
    link: (path) => index.links.get(path),
    get(path) {
      const span = index.get(path);
      return span && fileAt(path, span);
    },
    *list() {
      for (const [path, span] of index.files) yield fileAt(path, span);
    },
    [Symbol.dispose]: () => access[Symbol.dispose](),
  };
}

/** The next chunk comes while the last one is used. */
async function* read(access: RandomAccess, span: Span, { signal }: ContentOptions, what: string): ByteStream {
  if (span.size <= SMALL) return yield* readSmall(access, span, signal, what);
  const end = span.offset + span.size;
  using memory = borrowChunks(2);
  const load = (position: number) => {
    throwIfCancelled(signal);
    const into = memory.next(Math.min(CHUNK, end - position));
    const loading = loadInto(access, into, position, what);
    // It may be that nobody comes to ask.
    loading.catch(() => {});
    return loading;
  };
  let coming: Promise<Uint8Array> | undefined = load(span.offset);
  try {
    for (let position = span.offset, turn = 1; coming; turn++) {
      const chunk: Uint8Array = await coming;
      position += chunk.length;
      coming = position < end ? load(position) : undefined;
      yield chunk;
      if (turn % CHUNKS_PER_TURN === 0) await nextTurn();
    }
  } finally {
    await coming?.catch(() => {});
  }
}

async function* readSmall(
  access: RandomAccess,
  { offset, size }: Span,
  signal: AbortSignal | undefined,
  what: string,
): ByteStream {
  throwIfCancelled(signal);
  const bytes = new Uint8Array(size);
  if (access.read(bytes, offset) < size) throw endsIn(what, "its archive");
  if (size > 0) yield bytes;
}

async function loadInto(access: RandomAccess, into: Uint8Array, position: number, what: string): Promise<Uint8Array> {
  const length = await (access.load ? access.load(into, position) : access.read(into, position));
  // It has become shorter since.
  if (length < into.length) throw endsIn(what, "its archive");
  return into;
}
