import { type FetchOptions, type Source, Verifier } from "../../content/mod.ts";
import { SatchelError, throwIfCancelled } from "../../error.ts";
import { type Descriptor, type Digest, Digester } from "../../oci/mod.ts";
import { startAsideHasher } from "../../runtime/mod.ts";
import type { ArchiveDraft } from "./draft.ts";
import type { ArchiveSink } from "./sink.ts";
import { TAR_END, tarEntrySize, tarHeader, tarPadding } from "../tar/write.ts";

/** How much is collected before it is written at once, in bytes. */
const BATCH = 256 * 1024;

/** From which size on an archive is hashed in a worker, in bytes: starting one takes as long as hashing 20 MiB. */
const HASHED_ASIDE = 32 * 1024 * 1024;

/** The running digest of an archive. */
interface ArchiveDigest extends Disposable {
  update(bytes: Uint8Array): void | Promise<void>;
  digest(): Promise<Digest>;
}

/** Options of {@link writeArchive}. */
export interface WriteOptions extends Pick<FetchOptions, "signal"> {
  /** Told how many bytes have been written, of how many. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Writes an archive from its first byte to its last, in memory that does not grow with it. Every blob is checked while it
 * passes, and at the end each header is looked for in its place, where the sink can be read.
 *
 * @returns the digest of the whole archive
 * @throws {SatchelError} `integrity` and `not-found` for blobs of the source, `integrity` if the archive is not what it should
 *   be, `cancelled`, and whatever the sink throws
 */
export async function writeArchive(
  draft: ArchiveDraft,
  source: Pick<Source, "fetch">,
  sink: ArchiveSink,
  { signal, onProgress }: WriteOptions = {},
): Promise<Digest> {
  using digest = await startDigest(draft.size);
  const batch = new Batch(sink, digest, (done) => onProgress?.(done, draft.size));
  for (const { entry, content } of draft.files) {
    throwIfCancelled(signal);
    await batch.add(tarHeader(entry));
    if (content instanceof Uint8Array) await batch.add(content);
    else await addBlob(batch, content, source, signal);
    await batch.add(tarPadding(entry.size));
  }
  await batch.add(TAR_END);
  await batch.flush();
  checkPlaces(draft, sink);
  return await digest.digest();
}

/**
 * An archive that nobody can read is worst if its writing was called a success: it is noticed far away. The digest tells
 * nothing of that, since it is of what was written, whatever that was.
 */
function checkPlaces(draft: ArchiveDraft, sink: ArchiveSink): void {
  if (!sink.readAgain) return;
  let position = 0;
  for (const { entry } of draft.files) {
    const header = tarHeader(entry);
    if (!isSame(sink.readAgain(position, header.length), header)) throw misplaced(entry.path, position);
    position += tarEntrySize(entry);
  }
  // Behind its end nothing comes.
  if (!isSame(sink.readAgain(position, TAR_END.length + 1), TAR_END)) throw misplaced("its end", position);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function misplaced(what: string, position: number): SatchelError {
  return new SatchelError("integrity", `What was written is no whole archive: ${what} is not at byte ${position}`, {
    hint: "The disk may be bad, or something else writes to it. Try another one.",
  });
}

/** Each byte is hashed twice, as the blob's and as the archive's; of much, the one beside the other. */
async function startDigest(size: number): Promise<ArchiveDigest> {
  const aside = size < HASHED_ASIDE ? undefined : await startAsideHasher().catch(() => undefined);
  if (aside) {
    return {
      update: (bytes) => aside.update(bytes),
      digest: async () => `sha256:${await aside.digest()}`,
      [Symbol.dispose]: () => aside[Symbol.dispose](),
    };
  }
  const digester = new Digester();
  return {
    update: (bytes) => digester.update(bytes),
    digest: () => Promise.resolve(digester.digest()),
    [Symbol.dispose]() {},
  };
}

async function addBlob(
  batch: Batch,
  descriptor: Descriptor,
  source: Pick<Source, "fetch">,
  signal: AbortSignal | undefined,
): Promise<void> {
  const verifier = new Verifier(descriptor);
  for await (const chunk of source.fetch(descriptor, { signal })) {
    throwIfCancelled(signal);
    verifier.update(chunk);
    await batch.add(chunk);
  }
  verifier.finish();
}

/** Hashes what passes, and writes small pieces together. */
class Batch {
  readonly #sink: ArchiveSink;
  readonly #onWritten: (done: number) => void;
  readonly #digest: ArchiveDigest;
  readonly #memory = new Uint8Array(BATCH);
  #length = 0;
  #written = 0;

  constructor(sink: ArchiveSink, digest: ArchiveDigest, onWritten: (done: number) => void) {
    this.#sink = sink;
    this.#digest = digest;
    this.#onWritten = onWritten;
  }

  async add(bytes: Uint8Array): Promise<void> {
    const isLarge = bytes.length > BATCH / 2;
    // What was collected comes before it.
    if (isLarge || this.#length + bytes.length > BATCH) await this.flush();
    if (isLarge) return await this.#write(bytes);
    this.#memory.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  async flush(): Promise<void> {
    const length = this.#length;
    this.#length = 0;
    if (length > 0) await this.#write(this.#memory.subarray(0, length));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#digest.update(bytes);
    await this.#sink.write(bytes);
    this.#written += bytes.length;
    this.#onWritten(this.#written);
  }
}
