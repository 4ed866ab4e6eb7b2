import { SatchelError } from "../error.ts";

/**
 * Aborts when nothing moves for too long. One timer looks now and then at the time of the last byte, which is cheaper than
 * a timer for each chunk; and it does not count the time that whoever takes the bytes needs for them.
 */
export function watchSilence(idleTimeout: number, outer: AbortSignal | undefined) {
  const controller = new AbortController();
  let waitingSince = Infinity;
  let timedOut = false;
  let bodyError: SatchelError | undefined;
  let giveUp: (() => void) | undefined;
  const abort = () => {
    end();
    controller.abort();
    giveUp?.();
  };
  const timer = setInterval(() => {
    if (performance.now() - waitingSince < idleTimeout) return;
    timedOut = true;
    abort();
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
    waiting: () => waitingSince = performance.now(),
    busy: () => waitingSince = Infinity,
    timedOut: () => timedOut,
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
