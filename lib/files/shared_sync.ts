import { statfsSync } from "node:fs";
import { nextTurn, syncFileSystem } from "../runtime/mod.ts";
import { datasync } from "./aside.ts";
import type { OpenFile } from "./files.ts";

/** From so many files on, one wait for the whole file system takes less time than one for each of them. */
const WORTH_SHARING = 24;

/**
 * File systems on which everything is on the disk after `syncfs(2)`, by the number that `statfs(2)` gives: ext4, XFS, btrfs,
 * and tmpfs, which has no disk. Others, of networks and in user space, may know of it only file by file.
 */
const SHARING: readonly number[] = [0xEF53, 0x58465342, 0x9123683E, 0x01021994];

/** Somebody who waits for a file to be on the disk. */
interface Waiter {
  file: OpenFile;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** By the number of the file system. */
const groups = new Map<number, Waiter[]>();

/**
 * Waits until a small file is on the disk, together with others that are ready at the same time: many small files wait for
 * the disk once. The file must stay open until it is done.
 */
export function syncShared(file: OpenFile): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiter = { file, resolve, reject };
    const { dev } = file.stat;
    const group = groups.get(dev);
    if (group) return void group.push(waiter);
    const opened = [waiter];
    groups.set(dev, opened);
    void close(dev, opened);
  });
}

/** Others have their turn as long as more of them come. */
async function close(dev: number, group: Waiter[]): Promise<void> {
  for (let seen = 0; seen < group.length;) {
    seen = group.length;
    await nextTurn();
  }
  groups.delete(dev);
  if (group.length >= WORTH_SHARING && canShare(group[0].file) && syncFileSystem(group[0].file.fd)) {
    for (const { resolve } of group) resolve();
  } else {
    // Also after an error: each file is asked for its own.
    for (const { file, resolve, reject } of group) datasync(file.fd).then(resolve, reject);
  }
}

function canShare({ fd }: OpenFile): boolean {
  try {
    return SHARING.includes(statfsSync(`/proc/self/fd/${fd}`).type);
  } catch {
    return false;
  }
}
