import { closeSync, constants, fsync, openSync } from "node:fs";
import { hasCode } from "../error.ts";
import { onPath, storageError } from "../files/mod.ts";
import type { Layout } from "./layout.ts";
import { commitAll, type RepositoryCommit } from "./repository.ts";

// What many clients of one server wait for at the same time is waited for once.

/**
 * Makes a syncer of folders: whoever comes while one is being synced waits for the next time, with all others that do.
 *
 * @returns what waits until renames in a folder survive a power failure; it throws a `storage` error
 */
export function sharedFolderSync(): (path: string) => Promise<void> {
  const syncs = new Map<string, { running: Promise<void>; next?: Promise<void> }>();
  const start = (path: string): Promise<void> => {
    const running = syncFolderAside(path);
    const state: { running: Promise<void>; next?: Promise<void> } = { running };
    syncs.set(path, state);
    void running.catch(() => {}).then(() => {
      if (!state.next) syncs.delete(path);
    });
    return running;
  };
  return (path) => {
    const state = syncs.get(path);
    if (!state) return start(path);
    return state.next ??= state.running.catch(() => {}).then(() => start(path));
  };
}

function syncFolderAside(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fd = onPath("write", path, () => openSync(path, constants.O_RDONLY));
    fsync(fd, (error) => {
      closeSync(fd);
      if (error) reject(storageError("write", path, error));
      else resolve();
    });
  });
}

/** A commit that waits for its turn. */
interface Waiting {
  commit: RepositoryCommit;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Makes a committer: what comes while the index is being changed goes into it with one change, the next one.
 *
 * @returns what makes a commit visible, and throws what {@link commitAll} throws
 */
export function sharedCommits(layout: Layout): (commit: RepositoryCommit) => Promise<void> {
  let waiting: Waiting[] = [];
  let isRunning = false;
  const run = async () => {
    isRunning = true;
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await commitGroup(layout, group);
    }
    isRunning = false;
  };
  return (commit) =>
    new Promise((resolve, reject) => {
      waiting.push({ commit, resolve, reject });
      if (!isRunning) void run();
    });
}

/** What one of them lacks is no reason for the others not to be named. */
async function commitGroup(layout: Layout, group: readonly Waiting[]): Promise<void> {
  try {
    await commitAll(layout, group.map(({ commit }) => commit), undefined);
    for (const { resolve } of group) resolve();
  } catch (error) {
    if (group.length === 1 || !hasCode(error, "content-lost")) return group.forEach(({ reject }) => reject(error));
    for (const each of group) await commitGroup(layout, [each]);
  }
}
