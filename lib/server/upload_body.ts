import type { ByteStream } from "../content/mod.ts";
import { ApiError } from "./api_error.ts";
import type { Exchange } from "./exchange.ts";

/** What is expected of a body. */
export interface ExpectedBody {
  /** Exactly so many bytes. Default: as many as come. */
  length?: number;
  /** The most bytes that are taken. */
  limit: number;
  /** How many bytes of that are there already. Default: none. */
  before?: number;
  /** Breaks it off, with its reason. */
  signal?: AbortSignal;
}

/**
 * The body of a request, watched: it may be silent for a while only, and must be as long as it was said to be. Everything up to
 * the place where something is wrong is given out.
 *
 * @throws {ApiError} while iterating: `SIZE_INVALID` if there is more or less than announced, or more than the limit (413);
 *   `BLOB_UPLOAD_INVALID` after a silence (408), or if the client has gone
 */
export async function* bodyOf(exchange: Exchange, { length, limit, before = 0, signal }: ExpectedBody): ByteStream {
  const { request, uploadSilence } = exchange;
  if (before + (length ?? 0) > limit) throw tooLarge(limit);
  let size = 0;
  for await (const chunk of unlessSilent(request, uploadSilence, signal)) {
    const rest = Math.min(length ?? Infinity, limit - before) - size;
    size += chunk.length;
    if (chunk.length <= rest) {
      yield chunk;
      continue;
    }
    if (rest > 0) yield chunk.subarray(0, rest);
    throw before + size > limit ? tooLarge(limit) : wrongLength(length!);
  }
  // A body whose length nobody has said may look as if it were at its end when the client has gone.
  if (length === undefined && request.signal.aborted) throw gone();
  if (length !== undefined && size < length) throw wrongLength(length);
}

function tooLarge(limit: number): ApiError {
  return new ApiError("SIZE_INVALID", `it is larger than ${limit} bytes, which is the limit here`, {
    status: 413,
    detail: { limit },
  });
}

function wrongLength(length: number): ApiError {
  return new ApiError("SIZE_INVALID", "there is more or less than was announced", { detail: { announced: length } });
}

function gone(cause?: unknown): ApiError {
  return new ApiError("BLOB_UPLOAD_INVALID", "the client broke it off", { cause });
}

/** Less than this is no better than silence, in bytes a second: it would go on for years. */
const LEAST_RATE = 256;

async function* unlessSilent({ body }: Request, silence: number, signal?: AbortSignal): ByteStream {
  if (!body) return;
  const reader = body.getReader();
  const least = silence / 1000 * LEAST_RATE;
  // Of a stretch of `silence` milliseconds in which somebody waited: how much of it is over, and what came in it.
  let waited = 0;
  let came = 0;
  let waitingSince = Infinity;
  let reason: unknown;
  const stop = (why: unknown) => {
    reason ??= why;
    void reader.cancel().catch(() => {});
  };
  // One clock for all of the body: a timer for each chunk costs more than anything else that is done with it but the hash.
  const clock = setInterval(() => {
    if (performance.now() - waitingSince >= silence) stop(silent(silence));
  }, silence / 4);
  const stopBySignal = () => stop(signal!.reason);
  signal?.addEventListener("abort", stopBySignal);
  try {
    for (;;) {
      waitingSince = performance.now();
      const { done, value } = await reader.read().catch((error) => {
        throw gone(error);
      });
      if (reason) throw reason;
      if (done) return;
      waited += performance.now() - waitingSince;
      waitingSince = Infinity;
      came += value.length;
      if (waited > silence) {
        if (came < least) throw silent(silence);
        waited = came = 0;
      }
      yield value;
    }
  } finally {
    clearInterval(clock);
    signal?.removeEventListener("abort", stopBySignal);
    // What is left of it is not read; that this fails is of no interest any more.
    await reader.cancel().catch(() => {});
  }
}

function silent(silence: number): ApiError {
  return new ApiError("BLOB_UPLOAD_INVALID", `next to nothing came for ${silence / 1000} s`, { status: 408 });
}
