import { setImmediate } from "node:timers";
import { cancelled } from "../error.ts";

/** Comes back after whatever else waits for its turn: signals, timers, the network. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/**
 * Waits. Not by `node:timers/promises`, which takes 2 ms to load.
 *
 * @param doing what is waited for, for the error
 * @throws {SatchelError} `cancelled`
 */
export function pause(milliseconds: number, signal?: AbortSignal, doing?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled(signal, doing));
    const stop = () => {
      clearTimeout(timer);
      reject(cancelled(signal, doing));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
