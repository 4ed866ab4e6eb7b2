import type { ByteStream, ContentOptions } from "../../content/mod.ts";
import { throwIfCancelled } from "../../error.ts";
import { Digester } from "../../oci/mod.ts";
import { ChunkReader } from "../bytes/chunk_reader.ts";
import type { ArchiveFiles, ArchiveStream, OpenOptions, PassingFile } from "../files.ts";
import type { InflationLimit } from "../bytes/inflation_limit.ts";
import { Spool } from "../bytes/spool.ts";
import type { TarEntry } from "./entry.ts";
import { garbageText, noMarkText, openTar } from "./files.ts";
import { entryName, isZero } from "./header.ts";
import { isFixedPath, TarIndex } from "./index.ts";
import { endsIn, padded, parseTar, type TarEnd } from "./parse.ts";

/** How much is read of what stands behind the end of a tar, in bytes: so that whoever writes it can, and a gzip's checksum is seen. */
const MAX_TAIL = 1024 * 1024;

/** What is known of a file that has gone by. */
interface Passed {
  size: number;
  /** Of those that no digest names. */
  digest?: string;
}

/** The entry that is going by. */
interface Body {
  path: string;
  passed: Passed;
  /** How much of it has yet to come, in bytes. */
  left: number;
  /** In bytes. */
  padding: number;
  digester?: Digester;
}

const EMPTY = new Uint8Array(0);

/** A tar that goes by; see {@link ArchiveStream}. */
export class TarStream implements ArchiveStream {
  readonly kind = "stream";
  readonly name: string;
  readonly #options: OpenOptions;
  readonly #limit: InflationLimit | undefined;
  readonly #reader: ChunkReader;
  readonly #parser: ReturnType<typeof parseTar>;
  #index: TarIndex<Passed>;
  #spool: Spool | undefined;
  #body: Body | undefined;
  #hasEnded = false;
  #failure: { error: unknown } | undefined;

  /**
   * @param name for messages
   * @param chunks each is memory of its own
   * @param limit of what is inflated, if it is compressed
   */
  constructor(name: string, chunks: AsyncIterable<Uint8Array>, options: OpenOptions, limit?: InflationLimit) {
    this.name = name;
    this.#options = options;
    this.#limit = limit;
    this.#parser = parseTar(name);
    this.#index = new TarIndex(name);
    this.#spool = new Spool(options.spoolFolder);
    this.#reader = new ChunkReader(chunks, (chunk) => this.#spool?.append(chunk));
  }

  async next({ signal }: ContentOptions = {}): Promise<PassingFile | undefined> {
    if (this.#failure) throw this.#failure.error;
    if (this.#hasEnded) return undefined;
    return await this.#guard(async () => {
      await this.#pass(signal);
      for (let step = this.#parser.next(EMPTY);;) {
        throwIfCancelled(signal);
        if (step.done) return await this.#end(step.value);
        if ("need" in step.value) {
          step = this.#parser.next(await this.#reader.read(step.value.need));
          continue;
        }
        const { entry } = step.value;
        const body = await this.#begin(entry);
        if (!entry.oddity) return { path: entry.path, size: entry.size, read: () => this.#read(body, signal) };
        await this.#pass(signal);
        step = this.#parser.next(EMPTY);
      }
    });
  }

  announce(bytes: number): void {
    this.#limit?.announce(bytes);
  }

  release(): void {
    this.#spool?.[Symbol.dispose]();
    this.#spool = undefined;
  }

  async spool(options: ContentOptions = {}): Promise<ArchiveFiles> {
    if (!this.#spool) throw new Error(`${this.name} was released already`);
    while (await this.next(options));
    const access = this.#spool.access();
    this.release();
    // All that is in it is read once more.
    this.#index = new TarIndex(this.name);
    // What there is to warn of was told when it came.
    return await openTar(access, this.name, { signal: options.signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hasEnded = true;
    this.release();
    await this.#reader.stop();
  }

  async #begin(entry: TarEntry): Promise<Body> {
    const { path, size } = entry;
    const passed: Passed = { size };
    // Content that a digest names is hashed by whoever takes it.
    await this.#index.add(entry, passed, (other) => other.size === size);
    const digester = !entry.oddity && isFixedPath(path) ? new Digester() : undefined;
    this.#body = { path, passed, left: size, padding: padded(size) - size, digester };
    return this.#body;
  }

  async *#read(body: Body, signal: AbortSignal | undefined): ByteStream {
    while (true) {
      throwIfCancelled(signal);
      if (this.#body !== body) throw new Error(`${body.path} has gone by already`);
      if (body.left === 0) return;
      yield await this.#guard(() => this.#take(body));
    }
  }

  async #take(body: Body): Promise<Uint8Array> {
    const chunk = await this.#reader.some(body.left);
    if (chunk.length === 0) throw endsIn(entryName(body.path), this.name);
    body.digester?.update(chunk);
    body.left -= chunk.length;
    return chunk;
  }

  /** Passes over what is left of an entry. */
  async #pass(signal: AbortSignal | undefined): Promise<void> {
    const body = this.#body;
    if (!body) return;
    while (body.left > 0) {
      throwIfCancelled(signal);
      await this.#take(body);
    }
    await this.#reader.read(body.padding);
    this.#body = undefined;
    if (!body.digester) return;
    body.passed.digest = body.digester.digest();
    if (this.#index.get(body.path)?.digest !== body.passed.digest) this.#index.refuse(body.path);
  }

  async #end(end: TarEnd): Promise<undefined> {
    this.#hasEnded = true;
    const { onWarning } = this.#options;
    const passedOver = this.#index.warning();
    if (passedOver !== undefined) onWarning?.(passedOver);
    if (end === "end") return void onWarning?.(noMarkText(this.name));
    for (let left = MAX_TAIL; left > 0;) {
      const chunk = await this.#reader.some(left);
      if (chunk.length === 0) return;
      left -= chunk.length;
      if (isZero(chunk)) continue;
      onWarning?.(garbageText(this.name));
      return;
    }
  }

  /** Whoever goes on after an error is told of it again: what follows cannot be known. */
  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }
}
