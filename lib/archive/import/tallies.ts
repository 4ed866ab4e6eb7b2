import type { Tally } from "../../content/mod.ts";
import type { Descriptor, Digest } from "../../oci/mod.ts";

/** Counts what an import brings: its progress, and what each image brought along. */
export class Tallies {
  readonly #onProgress: (done: number, total: number) => void;
  #done = 0;
  #total = 0;
  /** What counts as done already. */
  readonly #counted = new Set<Digest>();
  /** What came with this import, and was no image's yet. */
  readonly #unclaimed = new Set<Digest>();

  constructor(onProgress: (done: number, total: number) => void = () => {}) {
    this.#onProgress = onProgress;
  }

  /** All that images need is to come, each digest once. */
  expect(images: readonly { contents: readonly Descriptor[] }[]): void {
    const counted = new Set<Digest>();
    for (const { contents } of images) {
      for (const { digest, size } of contents) {
        if (!counted.has(digest)) this.#total += size;
        counted.add(digest);
      }
    }
  }

  /** Bytes of something have come. */
  receive(bytes: number): void {
    this.#done += bytes;
    this.#onProgress(Math.min(this.#done, this.#total), this.#total);
  }

  /** All bytes of this have come. */
  arrived(digest: Digest): void {
    this.#counted.add(digest);
  }

  /** The target has this. */
  found({ digest, size }: Descriptor): void {
    if (this.#counted.has(digest)) return;
    this.#counted.add(digest);
    this.receive(size);
  }

  /** The target has got this, which it had not before. */
  brought(digest: Digest): void {
    this.#unclaimed.add(digest);
  }

  /** What of an image's content came with this import and with no image before it, and what was there. */
  claim(contents: readonly Descriptor[]): { new: Tally; present: Tally } {
    const claimed = { new: { blobs: 0, bytes: 0 }, present: { blobs: 0, bytes: 0 } };
    for (const { digest, size } of contents) {
      const tally = this.#unclaimed.delete(digest) ? claimed.new : claimed.present;
      tally.blobs++;
      tally.bytes += size;
    }
    return claimed;
  }
}
