import { randomBytes } from "node:crypto";
import { closeSync, fchmodSync, fchownSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { onPath } from "../../lib/files/mod.ts";
import { isRoot } from "../../lib/runtime/process.ts";

/** A file that is written, but not yet in its place. Disposed of without {@link StagedFile.commit}, nothing has changed. */
export interface StagedFile extends Disposable {
  /** @throws {SatchelError} `storage` */
  commit(): void;
}

/** Whom a file is to belong to, and what may be done with it. */
export interface FileTraits {
  /** Counts if this process is root's. */
  owner: { uid: number; gid: number };
  /** Default: what is usual. */
  mode?: number;
}

/**
 * Writes a file beside its place, so that it is whole at any moment. Whoever else may write to that folder cannot lead it elsewhere:
 * nothing is done by its name but to create it and to rename it.
 *
 * @throws {SatchelError} `storage`
 */
export function stageFile(path: string, bytes: Uint8Array, { owner, mode }: FileTraits): StagedFile {
  const staged = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  onPath("write", path, () => {
    const fd = openSync(staged, "wx", 0o644);
    try {
      writeFileSync(fd, bytes);
      if (isRoot()) fchownSync(fd, owner.uid, owner.gid);
      if (mode !== undefined) fchmodSync(fd, mode);
    } catch (error) {
      rmSync(staged, { force: true });
      throw error;
    } finally {
      closeSync(fd);
    }
  });
  return {
    commit: () => onPath("write", path, () => renameSync(staged, path)),
    [Symbol.dispose]: () => rmSync(staged, { force: true }),
  };
}
