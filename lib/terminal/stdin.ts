import { createReadStream } from "node:fs";
import { cancelled, SatchelError, throwIfCancelled } from "../error.ts";

const STDIN = 0;

/** Options of {@link readStdin}. */
export interface StdinOptions {
  /** Bytes. */
  limit: number;
  /** What stands there, for the error text: `the password`. */
  what: string;
  signal: AbortSignal;
}

/**
 * Reads stdin to its end.
 *
 * @throws {SatchelError} `usage` if it is longer than the limit, before all of it was read; `cancelled`
 */
export async function readStdin(options: StdinOptions): Promise<Uint8Array> {
  const { signal } = options;
  throwIfCancelled(signal);
  const interrupted = Promise.withResolvers<never>();
  // A read that has begun cannot be called off: nobody waits for it any more.
  const interrupt = () => interrupted.reject(cancelled(signal));
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    return await Promise.race([readAll(options), interrupted.promise]);
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
}

async function readAll({ limit, what }: StdinOptions): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of createReadStream("", { fd: STDIN, autoClose: false })) {
    size += chunk.length;
    if (size > limit) throw new SatchelError("usage", `${what} on stdin is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
