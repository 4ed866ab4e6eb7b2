import { SatchelError } from "../../error.ts";

/** What any archive may inflate to, in bytes. */
const ALLOWANCE = 4 * 1024 ** 3;

/** How many times its own length an archive may inflate to beyond that; layers that are compressed already hardly do. */
const RATIO = 100;

/** How many frames there may be, beside one for so many bytes: each costs as much time as a few kilobytes. */
const FREE_FRAMES = 1000;
const BYTES_PER_FRAME = 4096;

const HINT = "If it comes from somebody you trust, inflate it first.";

/**
 * Watches how much a compressed archive inflates to: no more than 4 GiB, 100 times what was read of it, and what was announced, so
 * that a few kilobytes do not fill a disk. See decision 025.
 */
export class InflationLimit {
  #compressed = 0;
  #inflated = 0;
  #announced = 0;
  #frames = 0;

  /** So many bytes are wanted. */
  announce(bytes: number): void {
    this.#announced += bytes;
  }

  /** Counts what is read of the archive. */
  async *counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.#compressed += chunk.length;
      yield chunk;
    }
  }

  /**
   * Counts what was inflated.
   *
   * @param name of the archive, for messages
   * @throws {SatchelError} `refused`: it may be as it was written
   */
  inflated(bytes: number, name: string): void {
    this.#inflated += bytes;
    if (this.#inflated <= ALLOWANCE + RATIO * this.#compressed + this.#announced) return;
    const sizes = `${this.#compressed} bytes of it have become ${this.#inflated}`;
    throw new SatchelError("refused", `${name} inflates to more than its images need: ${sizes}`, { hint: HINT });
  }

  /**
   * Counts a part that is inflated by itself, before it is; empty ones would take time without end.
   *
   * @param name of the archive, for messages
   * @throws {SatchelError} `refused`
   */
  frame(name: string): void {
    this.#frames++;
    if (this.#frames <= FREE_FRAMES + (this.#compressed + this.#inflated) / BYTES_PER_FRAME) return;
    throw new SatchelError("refused", `${name} has too many frames of zstd for what is in them`, { hint: HINT });
  }
}
