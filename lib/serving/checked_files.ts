import { readSync } from "node:fs";
import { SatchelError } from "../error.ts";
import { onPath, openToRead, stampOf, statOf } from "../files/mod.ts";
import { type Digest, digestAlgorithm, Digester, digestHex } from "../oci/mod.ts";
import { type FileHasher, type FilePart, startFileHasher } from "../runtime/mod.ts";

/** What has no more bytes than this is hashed before it is sent: that takes no longer than a millisecond. */
const SMALL = 1024 * 1024;

/**
 * How long hashing beside waits, in milliseconds: whoever takes a blob at the speed of the disk is done by then, and who is slower is not
 * kept up by it.
 */
const HASH_DELAY = 3000;

/** How many parts of files are remembered. */
const MAX_KNOWN = 200_000;

/** Options of {@link CheckedFiles}. */
export interface CheckedFilesOptions {
  /** Told at once, since it may be long until somebody asks for it again. */
  onDamaged: (error: SatchelError) => void;
  /** How long hashing beside waits, in milliseconds. Default: three seconds. */
  hashDelay?: number;
  /** Starts what hashes beside. Default: a worker. */
  startHasher?: () => FileHasher;
}

/** What is known of a part of a file. */
interface Known {
  /** The state of the file that it is known of. */
  stamp: string;
  state: "ok" | "damaged" | "unknown";
}

/**
 * Knows which parts of files have the bytes that their digests name. They are sent by the runtime, which nobody can hash along with; so
 * each is hashed once for each state of its file: a small one before it is sent, a larger one soon after it was first asked for. See
 * docs/decisions/032.
 */
export class CheckedFiles {
  readonly #known = new Map<string, Known>();
  readonly #waiting: { digest: Digest; part: FilePart; known: Known }[] = [];
  readonly #options: Required<CheckedFilesOptions>;
  #isHashing = false;

  constructor({ onDamaged, hashDelay = HASH_DELAY, startHasher = startFileHasher }: CheckedFilesOptions) {
    this.#options = { onDamaged, hashDelay, startHasher };
  }

  /**
   * Lets a part of a file be sent.
   *
   * @returns whether its bytes were hashed, as far as is known; `undefined` if the file is not there
   * @throws {SatchelError} `integrity` if other bytes were found there than the digest names; `storage`
   */
  admit(digest: Digest, part: FilePart): "ok" | "unknown" | undefined {
    const stamp = stampAt(part);
    if (stamp === undefined) return undefined;
    const { state } = this.#of(digest, part, stamp);
    if (state === "damaged") throw damaged(digest, part);
    return state;
  }

  /**
   * Whether a part of a file is known to have other bytes. A small one is hashed for that; of a large one nothing is known before it
   * was asked for.
   *
   * @throws {SatchelError} `storage`
   */
  isDamaged(digest: Digest, part: FilePart): boolean {
    const stamp = stampAt(part);
    if (stamp === undefined) return false;
    const found = this.#known.get(keyOf(digest, part));
    if (part.size > SMALL) return found?.stamp === stamp && found.state === "damaged";
    return this.#of(digest, part, stamp).state === "damaged";
  }

  #of(digest: Digest, part: FilePart, stamp: string): Known {
    const key = keyOf(digest, part);
    const found = this.#known.get(key);
    if (found?.stamp === stamp) return found;
    const known: Known = { stamp, state: "unknown" };
    if (part.size <= SMALL) this.#judge(digest, part, known, hashNow(digest, part));
    else this.#enqueue(digest, part, known);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(key, known);
    return known;
  }

  #judge(digest: Digest, part: FilePart, known: Known, hex: string | undefined): void {
    // What is written to or replaced meanwhile says nothing.
    if (stampAt(part) !== known.stamp) return void (known.stamp = "");
    known.state = hex === digestHex(digest) ? "ok" : "damaged";
    if (known.state === "damaged") this.#options.onDamaged(damaged(digest, part));
  }

  #enqueue(digest: Digest, part: FilePart, known: Known): void {
    this.#waiting.push({ digest, part, known });
    if (this.#isHashing) return;
    this.#isHashing = true;
    setTimeout(() => void this.#work(), this.#options.hashDelay);
  }

  async #work(): Promise<void> {
    try {
      using hasher = this.#options.startHasher();
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
        await this.#hashAside(hasher, next.digest, next.part, next.known);
      }
    } catch {
      // Without a hasher, for want of memory or files, each is tried again when it is next asked for.
      for (const { known } of this.#waiting.splice(0)) known.stamp = "";
    } finally {
      this.#isHashing = false;
    }
  }

  async #hashAside(hasher: FileHasher, digest: Digest, part: FilePart, known: Known): Promise<void> {
    try {
      this.#judge(digest, part, known, await hasher.hash(part, digestAlgorithm(digest)));
    } catch {
      // It cannot be read, and whoever asks for it is told why; then it is tried again.
      known.stamp = "";
    }
  }
}

function keyOf(digest: Digest, { path, offset, size }: FilePart): string {
  return `${offset} ${size} ${digest} ${path}`;
}

function damaged(digest: Digest, { path }: FilePart): SatchelError {
  return new SatchelError("integrity", `${digest} in ${path} has other bytes than its name says: it is not served`);
}

/** Changes with whatever is done to the file. */
function stampAt({ path }: FilePart): string | undefined {
  const stat = statOf(path);
  return stat?.isFile() ? stampOf(stat) : undefined;
}

/** `undefined` if the file has become shorter, or is gone. */
function hashNow(digest: Digest, { path, offset, size }: FilePart): string | undefined {
  using file = openToRead(path);
  if (!file) return undefined;
  const bytes = new Uint8Array(size);
  const length = onPath("read", path, () => fill(file.fd, bytes, offset));
  const digester = new Digester(digestAlgorithm(digest));
  digester.update(bytes);
  return length === size ? digestHex(digester.digest()) : undefined;
}

function fill(fd: number, bytes: Uint8Array, offset: number): number {
  let length = 0;
  while (length < bytes.length) {
    const count = readSync(fd, bytes, length, bytes.length - length, offset + length);
    if (count === 0) break;
    length += count;
  }
  return length;
}
