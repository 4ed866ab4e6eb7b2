import { startWorker } from "./worker.ts";

/** A running sha256 hash that is computed in a worker, while whoever feeds it does something else. */
export interface AsideHasher extends Disposable {
  /** Takes bytes; when it is done, their memory may be used again. Waits while too much is to be hashed. */
  update(bytes: Uint8Array): Promise<void>;
  /** The hash of everything that was added, lower-case hex; to be called once. */
  digest(): Promise<string>;
}

/** How much is handed over at once, in bytes. */
const BUFFER_SIZE = 1024 * 1024;

/** How many buffers go to and fro. */
const BUFFERS = 12;

/** Hashes what it is sent, and gives each buffer back. */
const WORKER = `
const hash = globalThis.Bun
  ? new Bun.CryptoHasher("sha256")
  : process.getBuiltinModule("node:crypto").createHash("sha256");
addEventListener("message", ({ data }) => {
  if (data.end) return postMessage({ digest: hash.digest("hex") });
  hash.update(new Uint8Array(data.buffer, 0, data.length));
  postMessage({ buffer: data.buffer }, [data.buffer]);
});
postMessage({ isReady: true });
`;

/** What the worker sends. */
interface Answer {
  buffer?: ArrayBuffer;
  digest?: string;
}

/** Starts a hash in a worker; rejects if there can be none. */
export async function startAsideHasher(): Promise<AsideHasher> {
  const free: ArrayBuffer[] = [];
  let made = 0;
  let isReady = false;
  let digest: string | undefined;
  let failure: Error | undefined;
  let changed = Promise.withResolvers<void>();
  const until = async (isSo: () => boolean) => {
    while (!isSo()) {
      if (failure) throw failure;
      await changed.promise;
      changed = Promise.withResolvers();
    }
  };
  const fail = (text: string) => {
    failure ??= new Error(`The worker that hashes has failed: ${text}`);
    changed.resolve();
  };
  const worker = startWorker(WORKER, {
    onMessage(message) {
      const answer = message as Answer;
      isReady = true;
      digest = answer.digest;
      if (answer.buffer) free.push(answer.buffer);
      changed.resolve();
    },
    onError: fail,
    onEnd: () => fail("it has ended"),
  });
  const takeBuffer = async () => {
    if (free.length === 0 && made < BUFFERS) {
      made++;
      return new ArrayBuffer(BUFFER_SIZE);
    }
    await until(() => free.length > 0);
    return free.pop()!;
  };
  await until(() => isReady);
  return {
    async update(bytes) {
      for (let rest = bytes; rest.length > 0;) {
        const buffer = await takeBuffer();
        const length = Math.min(rest.length, BUFFER_SIZE);
        new Uint8Array(buffer).set(rest.subarray(0, length));
        worker.post({ buffer, length }, [buffer]);
        rest = rest.subarray(length);
      }
    },
    async digest() {
      worker.post({ end: true });
      await until(() => digest !== undefined);
      return digest!;
    },
    [Symbol.dispose]: () => worker.terminate(),
  };
}
