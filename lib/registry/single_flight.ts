import { cancelled } from "../error.ts";

/**
 * Runs one operation for all who ask for the same key while it is under way. It is aborted when the last of them has gone.
 *
 * @example
 * ```ts
 * const flights = singleFlight<string>();
 * await flights("key", signal, (shared) => ask(shared));
 * ```
 */
export function singleFlight<T>() {
  const flights = new Map<string, { result: Promise<T>; controller: AbortController; waiting: number }>();

  return async function join(
    key: string,
    signal: AbortSignal | undefined,
    operation: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    let flight = flights.get(key);
    if (!flight) {
      const controller = new AbortController();
      const started = { result: operation(controller.signal), controller, waiting: 0 };
      const forget = () => {
        if (flights.get(key) === started) flights.delete(key);
      };
      started.result.then(forget, forget);
      flights.set(key, started);
      flight = started;
    }
    flight.waiting++;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(cancelled(signal));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort);
    try {
      return await Promise.race([flight.result, aborted]);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      if (--flight.waiting === 0) {
        if (flights.get(key) === flight) flights.delete(key);
        flight.controller.abort();
      }
    }
  };
}
