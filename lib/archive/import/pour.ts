import { type ByteStream, concatBytes, contentOf, type Target } from "../../content/mod.ts";
import { hasCode, SatchelError } from "../../error.ts";
import type { Descriptor, Digest } from "../../oci/mod.ts";
import type { Poured, PourOptions } from "../archive.ts";
import type { ArchiveStream, PassingFile } from "../files.ts";
import { digestOfPath } from "../layout.ts";

/** Content up to so many bytes is taken into memory, so that the next can be read while it is written. */
const SMALL = 1024 * 1024;

/** How many small ones are written at the same time; the disk is waited for at the end of each. */
const CONCURRENCY = 16;

/** Puts what goes by in a stream into a target; see {@link Archive.pour}. */
export async function pourStream(
  stream: ArchiveStream,
  target: Target,
  wanted: readonly Descriptor[],
  options: PourOptions,
): Promise<Poured> {
  const left = new Map<Digest, Descriptor>(wanted.map((descriptor) => [descriptor.digest, descriptor]));
  stream.announce([...left.values()].reduce((sum, { size }) => sum + size, 0));
  const pour = new Pour(target, options);
  try {
    for (let file = await stream.next(options); file; file = await stream.next(options)) {
      const digest = digestOfPath(file.path);
      const descriptor = digest && left.get(digest);
      if (!descriptor) continue;
      left.delete(descriptor.digest);
      await pour.take(file, descriptor);
    }
  } finally {
    await pour.rest();
  }
  pour.throwIfFailed();
  return { missing: [...left.values()] };
}

class Pour {
  readonly #target: Target;
  readonly #options: PourOptions;
  readonly #writing = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;

  constructor(target: Target, options: PourOptions) {
    this.#target = target;
    this.#options = options;
  }

  /** Reads a file, and sees to it that it gets to the target. */
  async take(file: PassingFile, descriptor: Descriptor): Promise<void> {
    this.throwIfFailed();
    const { signal, onBytes = () => {} } = this.#options;
    const { digest, size } = descriptor;
    if (file.size !== size) {
      const message = `${digest} has ${file.size} bytes, not ${size} as its image says`;
      return this.#fail(descriptor, new SatchelError("integrity", message));
    }
    if (size > SMALL) {
      await this.#settle(descriptor, async () => {
        if (await this.#target.has(descriptor, { signal })) return onBytes(size);
        await this.#target.push(descriptor, { once: true, open: () => counted(file.read(), onBytes) }, { signal });
      });
      return;
    }
    const bytes = await collect(counted(file.read(), onBytes));
    if (this.#writing.size >= CONCURRENCY) await Promise.race(this.#writing);
    const writing = this.#settle(descriptor, async () => {
      if (await this.#target.has(descriptor, { signal })) return;
      await this.#target.push(descriptor, contentOf(bytes), { signal });
    }).finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  /** Waits until nothing is being written any more. */
  async rest(): Promise<void> {
    await Promise.allSettled(this.#writing);
  }

  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  async #settle(descriptor: Descriptor, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#fail(descriptor, error);
    }
  }

  #fail(descriptor: Descriptor, error: unknown): void {
    const { onDamaged } = this.#options;
    if (onDamaged && hasCode(error, "integrity")) onDamaged(descriptor, error);
    else this.#failure ??= { error };
  }
}

async function collect(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk.slice());
  return concatBytes(chunks);
}

/** Passes a stream on, and tells how many bytes come. */
export async function* counted(stream: ByteStream, onBytes: (bytes: number) => void): ByteStream {
  for await (const chunk of stream) {
    onBytes(chunk.length);
    yield chunk;
  }
}
