import { SatchelError } from "../error.ts";

/** How fast the bytes of a body have to come at the least: so many in so much time of waiting for them. */
export interface Pace {
  bytes: number;
  /** In milliseconds. */
  time: number;
}

/**
 * Aborts when nothing moves for too long, or too little. One timer looks now and then at the time of the last byte, which is
 * cheaper than a timer for each chunk; and it does not count the time that whoever takes the bytes needs for them.
 */
export function watchSilence(idleTimeout: number, outer: AbortSignal | undefined) {
  const controller = new AbortController();
  let waitingSince = Infinity;
  let timedOut = false;
  let slowest: Pace | undefined;
  let tooSlow = false;
  /** How long was waited, and how much came, since the pace was looked at for the last time. */
  let waited = 0;
  let moved = 0;
  /** From when on the wait that goes on now is not yet in `waited`. */
  let countedUntil = Infinity;
  let bodyError: SatchelError | undefined;
  let giveUp: (() => void) | undefined;
  const abort = () => {
    end();
    controller.abort();
    giveUp?.();
  };
  const isTooSlow = (now: number) => {
    if (slowest === undefined || waited + Math.max(now - countedUntil, 0) < slowest.time) return false;
    const result = moved < slowest.bytes;
    waited = 0;
    moved = 0;
    countedUntil = Math.max(now, waitingSince);
    return result;
  };
  const timer = setInterval(() => {
    const now = performance.now();
    timedOut = now - waitingSince >= idleTimeout;
    tooSlow = !timedOut && isTooSlow(now);
    if (timedOut || tooSlow) abort();
  }, Math.max(idleTimeout / 8, 1));
  const end = () => {
    clearInterval(timer);
    outer?.removeEventListener("abort", abort);
  };
  outer?.addEventListener("abort", abort);

  return {
    signal: controller.signal,
    abort,
    end,
    waiting: () => countedUntil = waitingSince = performance.now(),
    /** @param bytes how many came */
    busy(bytes = 0) {
      waited += Math.max(performance.now() - countedUntil, 0);
      moved += bytes;
      countedUntil = waitingSince = Infinity;
    },
    /** From now on, bytes have to come at this pace. The time until then, in which a host may prepare its answer, is not counted. */
    expect(pace: Pace | undefined) {
      slowest = pace;
      waited = 0;
    },
    timedOut: () => timedOut,
    tooSlow: () => tooSlow,
    /**
     * Waits for an operation, one at a time, until it settles or this watch aborts: whether the runtime heeds the signal, with
     * a connection in whatever state, is not relied on.
     */
    async until<T>(operation: Promise<T>): Promise<T> {
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      giveUp = () => reject(new Error("aborted"));
      if (controller.signal.aborted) giveUp();
      try {
        return await Promise.race([operation, aborted]);
      } finally {
        giveUp = undefined;
      }
    },
    /** What the source of an upload threw; the runtime reports it in its own words, or not at all. */
    bodyError: () => bodyError,
    /** Passes an upload's bytes on, so that each of them counts as movement. */
    body(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
      const reader = stream.getReader();
      return new ReadableStream<Uint8Array>({
        async pull(sink) {
          waitingSince = Infinity;
          try {
            const { done, value } = await reader.read();
            if (done) sink.close();
            else sink.enqueue(value);
          } catch (error) {
            if (error instanceof SatchelError) bodyError = error;
            throw error;
          } finally {
            waitingSince = performance.now();
          }
        },
        cancel: (reason) => reader.cancel(reason),
      }, { highWaterMark: 0 });
    },
  };
}
