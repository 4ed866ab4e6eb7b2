import { Buffer } from "node:buffer";

/** How much of what a step says is kept, in bytes. */
const MAX_OUTPUT = 256 * 1024;

/** The beginning of what somebody says: of errors the first one is the one to read. */
export class StepOutput {
  #chunks: Uint8Array[] = [];
  #length = 0;
  #isCut = false;

  /** Takes what comes next. */
  add(bytes: Uint8Array): void {
    const part = bytes.subarray(0, MAX_OUTPUT - this.#length);
    this.#isCut ||= part.length < bytes.length;
    if (part.length === 0) return;
    this.#length += part.length;
    // A copy, which slice() of a Buffer is not: that would keep all of what came along with this part.
    this.#chunks.push(new Uint8Array(part));
  }

  /** What is kept, with a mark where it is not all. */
  bytes(): Uint8Array {
    return Buffer.concat([...this.#chunks, ...(this.#isCut ? [new TextEncoder().encode("\n[...]\n")] : [])]);
  }
}
