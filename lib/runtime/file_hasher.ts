import { startWorker } from "./worker.ts";

/** A part of a file. */
export interface FilePart {
  path: string;
  /** In bytes. */
  offset: number;
  /** In bytes. */
  size: number;
}

/** Hashes parts of files in a worker, one after the other. */
export interface FileHasher extends Disposable {
  /** The hash as lower-case hex, `undefined` if the file has become shorter; rejects if it cannot be read. */
  hash(part: FilePart, algorithm: "sha256" | "sha512"): Promise<string | undefined>;
}

/** Links are not followed: whoever names a file has looked at it. */
const WORKER = `
const { closeSync, constants, openSync, readSync } = process.getBuiltinModule("node:fs");
const memory = new Uint8Array(1024 * 1024);
function hashPart({ path, offset, size, algorithm }) {
  const hash = globalThis.Bun
    ? new Bun.CryptoHasher(algorithm)
    : process.getBuiltinModule("node:crypto").createHash(algorithm);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    for (let done = 0; done < size;) {
      const count = readSync(fd, memory, 0, Math.min(memory.length, size - done), offset + done);
      if (count === 0) return undefined;
      hash.update(memory.subarray(0, count));
      done += count;
    }
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
}
addEventListener("message", ({ data }) => {
  try {
    postMessage({ id: data.id, hex: hashPart(data) });
  } catch (error) {
    postMessage({ id: data.id, error: String(error) });
  }
});
postMessage({});
`;

/** What the worker sends. */
interface Answer {
  /** Absent when it says that it is ready. */
  id?: number;
  hex?: string;
  error?: string;
}

/** Starts a worker that hashes. */
export function startFileHasher(): FileHasher {
  const waiting = new Map<number, PromiseWithResolvers<string | undefined>>();
  const isReady = Promise.withResolvers<void>();
  let last = 0;
  const fail = (text: string) => {
    const error = new Error(`The worker that hashes files has failed: ${text}`);
    isReady.reject(error);
    for (const each of waiting.values()) each.reject(error);
    waiting.clear();
  };
  // It may be that nobody waits.
  isReady.promise.catch(() => {});
  const worker = startWorker(WORKER, {
    onMessage(message) {
      const { id, hex, error } = message as Answer;
      if (id === undefined) return isReady.resolve();
      const asked = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) asked?.resolve(hex);
      else asked?.reject(new Error(error));
    },
    onError: fail,
    onEnd: () => fail("it has ended"),
  });
  return {
    async hash(part, algorithm) {
      await isReady.promise;
      const id = ++last;
      const asked = Promise.withResolvers<string | undefined>();
      waiting.set(id, asked);
      worker.post({ id, algorithm, ...part });
      return await asked.promise;
    },
    [Symbol.dispose]() {
      worker.terminate();
      fail("it was ended");
    },
  };
}
