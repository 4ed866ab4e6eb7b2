import { SatchelError } from "../error.ts";
import { concatBytes, type Content, Verifier } from "../content/mod.ts";
import type { Descriptor } from "../oci/mod.ts";
import { sendsStreamsWithLength } from "../runtime/mod.ts";
import { asFinal } from "./retry.ts";

/** Content on its way out: parts of it are read again after a break, and each byte is hashed once. */
export interface UploadSource {
  readonly descriptor: Descriptor;
  /** `length` bytes from `offset` on, as a body of exactly this length. */
  stream(offset: number, length: number): ReadableStream<Uint8Array>;
  /** The same in memory. */
  bytes(offset: number, length: number): Promise<Uint8Array>;
}

/** Whether a stream can be the body of a request in this runtime; else it has to be bytes. */
export const canStream: boolean = sendsStreamsWithLength;

/**
 * Makes content readable in the parts that an upload needs. The last bytes are handed out only after everything turned out to
 * be what the descriptor says; else reading throws an `integrity` error, and the registry never gets the whole.
 */
export function uploadSource(descriptor: Descriptor, content: Content): UploadSource {
  const verifier = new Verifier(descriptor);
  let isVerified = false;

  /** Hashes what was not hashed yet; what is read again after a break was. */
  function hash(chunk: Uint8Array, position: number): void {
    const seen = verifier.size - position;
    if (seen < 0) throw new Error("an upload skipped bytes");
    if (seen < chunk.length) verifier.update(chunk.subarray(seen));
    if (verifier.size < descriptor.size || isVerified) return;
    verifier.finish();
    isVerified = true;
  }

  /** The bytes up to the one where hashing stands have to be read again only if a part starts beyond it. */
  async function* read(offset: number, length: number): AsyncGenerator<Uint8Array, void, void> {
    const from = Math.min(offset, verifier.size);
    const end = offset + length;
    let position = from;
    if (length > 0) {
      for await (const chunk of content.open(from)) {
        const part = position + chunk.length > end ? chunk.subarray(0, end - position) : chunk;
        hash(part, position);
        const wanted = position < offset ? part.subarray(offset - position) : part;
        // Past the end of the last part: this throws, since it is more than was announced.
        if (end === descriptor.size && part.length < chunk.length) verifier.update(chunk.subarray(part.length));
        position += part.length;
        if (wanted.length > 0) yield wanted;
        if (position === end && end < descriptor.size) return;
      }
    }
    if (position < end) {
      throw new SatchelError(
        "integrity",
        `${descriptor.digest} is shorter than announced: ${position} of ${descriptor.size} bytes came`,
      );
    }
  }

  /** What goes wrong here is the content's own trouble: sending it again does not mend it. */
  async function* readFinally(offset: number, length: number): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* read(offset, length);
    } catch (error) {
      throw asFinal(error instanceof SatchelError ? error : unreadable(error));
    }
  }

  return {
    descriptor,
    stream(offset, length) {
      const chunks = readFinally(offset, length);
      // Chunks may share memory, so that one must have been used when the next is asked for. It has been: none waits in this
      // stream, and Bun, which alone gets streams, copies each before it asks on, whatever the connection has taken by then.
      return new ReadableStream<Uint8Array>({
        async pull(sink) {
          const { done, value } = await chunks.next();
          if (done) sink.close();
          else sink.enqueue(value);
        },
        async cancel() {
          await chunks.return();
        },
      }, { highWaterMark: 0 });
    },
    async bytes(offset, length) {
      const parts: Uint8Array[] = [];
      for await (const chunk of readFinally(offset, length)) parts.push(chunk.slice());
      return concatBytes(parts);
    },
  };
}

/** It travels through `fetch`, which makes a broken connection of what it does not know. */
function unreadable(cause: unknown): SatchelError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new SatchelError("storage", `reading what is uploaded: ${message}`, { cause });
}
