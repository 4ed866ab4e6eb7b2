import { datasync } from "./aside.ts";

/** How much is written before the disk is told to start with it, in bytes: then little is left to wait for at the end. */
const SYNC_EVERY = 32 * 1024 * 1024;

/** What keeps the disk busy with a file that is being written. */
export interface SyncAlong {
  wrote(bytes: number): void;
  /** What the system said of something that it could not write. It says that once: what is in the file is not to be relied on. */
  readonly failure: unknown;
  /** Waits for the disk, however that ends; for the way out that errors take. */
  settle(): Promise<void>;
  /** Waits until all of it is on the disk; throws what the system throws. */
  finish(): Promise<void>;
}

/** Has the disk write what has come so far, while more comes. The file must stay open until `settle` or `finish` is done. */
export function syncAlong(fd: number): SyncAlong {
  let pending: Promise<void> | undefined;
  let failure: unknown;
  let unsynced = 0;
  return {
    get failure() {
      return failure;
    },
    wrote(bytes) {
      unsynced += bytes;
      if (unsynced < SYNC_EVERY || pending) return;
      unsynced = 0;
      pending = datasync(fd).catch((error) => failure ??= error).finally(() => pending = undefined);
    },
    async settle() {
      await pending;
    },
    async finish() {
      await pending;
      // The kernel reports a failed write once, to whoever syncs first.
      if (failure) throw failure;
      await datasync(fd);
    },
  };
}
