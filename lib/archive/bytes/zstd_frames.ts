import { SatchelError } from "../../error.ts";
import { ChunkReader } from "./chunk_reader.ts";
import { endsTooEarly, isFollowed } from "./compression_errors.ts";
import { startsWith, ZSTD } from "./magic.ts";

// Neither runtime says when Zstandard ends too early, or when something else follows it. What tells is where its frames and
// blocks end, which stands in plain bytes (RFC 8878, 3.1); nothing is inflated here.

/** How a block's bytes are written; `RLE` is one byte, to be repeated. */
const RLE = 1;
const RESERVED = 3;

/**
 * The largest window, in bytes: so much of what was inflated has to be kept. It is the most that `zstd -d` takes unless told
 * otherwise, what `zstd --long` and `--ultra -22` ask for, and no level without `--ultra` needs more than 8 MiB.
 */
const MAX_WINDOW = 128 * 1024 * 1024;

/** Whether it is a frame that carries something else than content (RFC 8878, 3.1.2); pzstd begins with one. */
export function isSkippableFrame(start: Uint8Array): boolean {
  return (start[0] & 0xf0) === 0x50 && start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18;
}

/**
 * The frames with content, one after another; each has to be read whole before the next one is asked for.
 *
 * @param name of the archive, for messages
 * @throws {SatchelError} here or while a frame is read: `invalid`, `refused` for a window that is too large
 */
export async function* zstdFrames(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<AsyncGenerator<Uint8Array>> {
  const reader = new FrameReader(chunks, name);
  try {
    for (let start = await reader.some(ZSTD.length); start.length > 0; start = await reader.some(ZSTD.length)) {
      if (isSkippableFrame(start)) { for await (const _ of reader.pass(littleEndian(await reader.exactly(4)))); }
      else if (startsWith(start, ZSTD)) yield frame(reader, start, name);
      else throw isFollowed(name, "zstd");
    }
  } finally {
    await reader.stop();
  }
}

async function* frame(reader: FrameReader, start: Uint8Array, name: string): AsyncGenerator<Uint8Array> {
  yield start;
  const descriptor = await reader.exactly(1);
  const rest = await reader.exactly(headerSize(descriptor[0]));
  const window = windowSize(descriptor[0], rest);
  if (window > MAX_WINDOW) throw needsTooMuch(name, window);
  yield descriptor;
  yield rest;
  for (let isLast = false; !isLast;) {
    const header = await reader.exactly(3);
    yield header;
    const value = littleEndian(header);
    isLast = (value & 1) === 1;
    const type = (value >> 1) & 3;
    if (type === RESERVED) throw new SatchelError("invalid", `${name} is damaged: its zstd cannot be inflated`);
    yield* reader.pass(type === RLE ? 1 : value >> 3);
  }
  const hasChecksum = (descriptor[0] & 4) !== 0;
  yield* reader.pass(hasChecksum ? 4 : 0);
}

/** What of a frame's header follows its descriptor, in bytes (RFC 8878, 3.1.1.1). */
function headerSize(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const window = isSingleSegment ? 0 : 1;
  const dictionary = [0, 1, 2, 4][descriptor & 3];
  const content = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6];
  return window + dictionary + content;
}

/** How much of what is inflated has to be at hand, in bytes (RFC 8878, 3.1.1.1.2; without a window, all of it). */
function windowSize(descriptor: number, rest: Uint8Array): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if (isSingleSegment) {
    const length = [1, 2, 4, 8][descriptor >> 6];
    return littleEndian(rest.subarray(rest.length - length)) + (length === 2 ? 256 : 0);
  }
  const base = 2 ** (10 + (rest[0] >> 3));
  return base + base / 8 * (rest[0] & 7);
}

function needsTooMuch(name: string, window: number): SatchelError {
  const message = `${name} needs ${window} bytes of memory to be inflated: that is the window of its zstd`;
  return new SatchelError("refused", `${message}, and the limit is ${MAX_WINDOW}`, {
    hint: "It was compressed with --long=28 or more: inflate it with `zstd -d --long=31` first.",
  });
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 0x100 + byte, 0);
}

/** Takes less than what is asked for as an end that comes too early. */
class FrameReader {
  readonly #reader: ChunkReader;
  readonly #name: string;

  constructor(chunks: AsyncIterable<Uint8Array>, name: string) {
    this.#reader = new ChunkReader(chunks);
    this.#name = name;
  }

  /** Fewer bytes, or none, at the end. */
  async some(size: number): Promise<Uint8Array> {
    return await this.#reader.read(size);
  }

  async exactly(size: number): Promise<Uint8Array> {
    const bytes = await this.some(size);
    if (bytes.length < size) throw endsTooEarly(this.#name, "zstd");
    return bytes;
  }

  async *pass(size: number): AsyncGenerator<Uint8Array> {
    for (let left = size; left > 0;) {
      const chunk = await this.#reader.some(left);
      if (chunk.length === 0) throw endsTooEarly(this.#name, "zstd");
      yield chunk;
      left -= chunk.length;
    }
  }

  async stop(): Promise<void> {
    await this.#reader.stop();
  }
}
