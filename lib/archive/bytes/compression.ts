import { type Duplex, Readable } from "node:stream";
import { SatchelError, systemCode } from "../../error.ts";
import { endsTooEarly, isFollowed } from "./compression_errors.ts";
import type { Compression } from "../files.ts";
import type { InflationLimit } from "./inflation_limit.ts";
import { GZIP, startsWith, ZSTD } from "./magic.ts";
import { isSkippableFrame, zstdFrames } from "./zstd_frames.ts";

/** `chunkSize`: what is inflated at once, in bytes. */
const OPTIONS = { chunkSize: 256 * 1024 };

/** How compressed files begin. */
const STARTS: readonly { magic: readonly number[]; compression: Compression }[] = [
  { magic: GZIP, compression: "gzip" },
  { magic: ZSTD, compression: "zstd" },
];

/** How something is compressed, by its first bytes; `undefined` if it is not, or in a way that is not read. */
export function compressionOf(start: Uint8Array): Compression | undefined {
  return STARTS.find(({ magic }) => startsWith(start, magic))?.compression ??
    (isSkippableFrame(start) ? "zstd" : undefined);
}

/**
 * Inflates what comes, and waits while nobody takes it.
 *
 * @param name of the archive, for messages
 * @throws {SatchelError} while iterating: `invalid` if it ends too early or is followed by something else, `refused` if it is more than
 *   may be, `integrity` if its checksum is another one; whatever the chunks throw
 */
export async function* inflate(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
  name: string,
  limit: InflationLimit,
): AsyncGenerator<Uint8Array> {
  const { createGunzip, createZstdDecompress } = await import("node:zlib");
  const counted = limit.counted(chunks);
  // For Deno each frame has to be a stream of its own.
  const streams = compression === "gzip" ? [counted] : zstdFrames(counted, name);
  for await (const stream of streams) {
    limit.frame(name);
    const inflater = compression === "gzip" ? createGunzip(OPTIONS) : createZstdDecompress(OPTIONS);
    for await (const chunk of through(stream, inflater, compression, name)) {
      limit.inflated(chunk.length, name);
      yield chunk;
    }
  }
}

async function* through(
  chunks: AsyncIterable<Uint8Array>,
  inflater: Duplex,
  compression: Compression,
  name: string,
): AsyncGenerator<Uint8Array> {
  let failure: { error: unknown } | undefined;
  const source = Readable.from(chunks, { objectMode: true, highWaterMark: 1 });
  source.on("error", (error) => {
    failure = { error };
    inflater.destroy(error);
  });
  source.pipe(inflater);
  try {
    yield* inflater;
  } catch (error) {
    throw failure ? failure.error : inflateError(error, compression, name);
  } finally {
    inflater.destroy();
    source.destroy();
  }
}

/** Codes and words of both runtimes. */
function inflateError(cause: unknown, compression: Compression, name: string): unknown {
  if (cause instanceof SatchelError) return cause;
  if (systemCode(cause) === "Z_BUF_ERROR") return endsTooEarly(name, compression, cause);
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/incorrect (data|length) check|checksum/i.test(text)) {
    const message = `${name} is damaged: what is inflated has another checksum than its ${compression} says`;
    return new SatchelError("integrity", message, { cause });
  }
  // How it begins was looked at before.
  if (text === "incorrect header check") return isFollowed(name, compression);
  return new SatchelError("invalid", `${name} is damaged: its ${compression} cannot be inflated`, { cause });
}
