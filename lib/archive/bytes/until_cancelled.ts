import { cancelled } from "../../error.ts";

/**
 * Waits for work that cannot be ended, but no longer than until the signal is aborted.
 *
 * @throws {SatchelError} `cancelled`, and what the work throws
 */
export async function untilCancelled<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(cancelled(signal));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
    // Whichever of the two comes too late is nobody's.
    work.catch(() => {});
    promise.catch(() => {});
  }
}
