import { SatchelError, throwIfCancelled } from "../error.ts";
import { pause } from "../runtime/mod.ts";

/** When and how often something is tried again. */
export interface RetryPolicy {
  /** How many times after the first. */
  retries: number;
  /** The first pause, in milliseconds; each further one is twice as long. */
  firstDelay: number;
  /** Told before each pause: what failed, and when it goes on. */
  onRetry?: (message: string) => void;
}

/** No pause is longer, in milliseconds, unless a registry asks for it. */
const MAX_DELAY = 10_000;

/** The longest pause that a registry's `Retry-After` is granted, in milliseconds; for more, the user shall decide. */
export const MAX_RETRY_AFTER = 60_000;

/**
 * So many bytes of a download, at least, are progress, after which the count of failures starts anew. Less would let a server
 * that gives a few bytes at a time keep us for ever.
 */
export const PROGRESS = 64 * 1024;

/** HTTP statuses after which the same request may succeed. Not 501 and 505, which say that it never will. */
const TRANSIENT_STATUSES: readonly number[] = [408, 429, 500, 502, 503, 504];

/** Errors that another try may mend, with what the registry said about when. */
const transients = new WeakMap<SatchelError, { retryAfter?: number }>();

/** Marks an error as one that another try may mend. */
export function asTransient(error: SatchelError, retryAfter?: number): SatchelError {
  transients.set(error, { retryAfter });
  return error;
}

/** Marks an error that stands for another one like that one. */
export function markedLike(error: SatchelError, other: SatchelError): SatchelError {
  const mark = transients.get(other);
  if (mark) transients.set(error, mark);
  return error;
}

/** Takes the mark away: whoever threw it has tried often enough. */
export function asFinal(error: SatchelError): SatchelError {
  transients.delete(error);
  return error;
}

/** Whether another try may mend this error. */
function isTransient(error: unknown): error is SatchelError {
  return error instanceof SatchelError && transients.has(error);
}

/** Whether the same request may succeed later. */
export function isTransientStatus(status: number): boolean {
  return TRANSIENT_STATUSES.includes(status);
}

/**
 * Runs `operation` until it succeeds, fails for good, or has used up its retries.
 *
 * @throws {SatchelError} what `operation` threw last, or `cancelled`
 */
export async function retrying<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  operation: () => Promise<T>,
): Promise<T> {
  for (let failures = 1;; failures++) {
    try {
      return await operation();
    } catch (error) {
      await pauseBeforeRetry(policy, failures, error, signal);
    }
  }
}

/**
 * Waits as long as there should be between two tries.
 *
 * @param failures how many tries failed, this one included
 * @throws `error` itself if it is not transient or there were too many; `cancelled`
 */
export async function pauseBeforeRetry(
  policy: RetryPolicy,
  failures: number,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<void> {
  throwIfCancelled(signal);
  if (!isTransient(error) || failures > policy.retries) throw error;
  const { retryAfter } = transients.get(error) ?? {};
  if (retryAfter !== undefined && retryAfter > MAX_RETRY_AFTER) throw error;
  const delay = Math.max(backoff(policy.firstDelay, failures), retryAfter ?? 0);
  policy.onRetry?.(`${error.message}; trying again in ${seconds(delay)} (${failures} of ${policy.retries})`);
  await pause(delay, signal);
}

/** A pause that doubles with each failure; half of it is random, so that many clients do not come back together. */
export function backoff(firstDelay: number, failures: number, random: () => number = Math.random): number {
  const full = Math.min(firstDelay * 2 ** (failures - 1), MAX_DELAY);
  return full / 2 + random() * full / 2;
}

/**
 * Reads `Retry-After`: seconds or a date (RFC 9110, section 10.2.3).
 *
 * @returns milliseconds from now, not below zero; `undefined` if there is nothing to be read
 */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
