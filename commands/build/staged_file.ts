import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { SatchelError } from "../../lib/error.ts";
import { onPath, storageError } from "../../lib/files/mod.ts";
import { printable } from "../../lib/printable.ts";
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
  /** The folder that it must be in, wherever links lead. */
  within?: string;
}

/**
 * Writes a file beside its place, so that it is whole at any moment. Whoever else may write to that folder cannot lead it elsewhere:
 * nothing is done by its name but to create it and to rename it.
 *
 * @throws {SatchelError} `storage`; `invalid` if it would be outside
 */
export function stageFile(path: string, bytes: Uint8Array, { owner, mode, within }: FileTraits): StagedFile {
  const parent = openFolder(path, within);
  const place = join(parent.path, basename(path));
  const staged = join(parent.path, `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  const remove = () => rmSync(staged, { force: true });
  try {
    onPath("write", path, () => {
      const fd = openSync(staged, "wx", 0o644);
      try {
        writeFileSync(fd, bytes);
        if (isRoot()) fchownSync(fd, owner.uid, owner.gid);
        if (mode !== undefined) fchmodSync(fd, mode);
      } catch (error) {
        remove();
        throw error;
      } finally {
        closeSync(fd);
      }
    });
  } catch (error) {
    parent[Symbol.dispose]();
    throw error;
  }
  return {
    commit: () => onPath("write", path, () => renameSync(staged, place)),
    [Symbol.dispose]() {
      remove();
      parent[Symbol.dispose]();
    },
  };
}

/** Opens the folder of a file, so that it stays the same one whatever becomes of the links that lead to it, where the system can do that. */
function openFolder(path: string, within: string | undefined): Disposable & { path: string } {
  const named = dirname(path);
  const fd = onPath("write to", named, () => openSync(named, constants.O_RDONLY | constants.O_DIRECTORY));
  const opened = `/proc/self/fd/${fd}`;
  const folder = { path: existsSync(opened) ? opened : named, [Symbol.dispose]: () => closeSync(fd) };
  try {
    const rest = within === undefined ? "" : relative(realpathSync(within), realpathSync(folder.path));
    if (!isAbsolute(rest) && rest.split("/")[0] !== "..") return folder;
    throw new SatchelError("invalid", `${printable(path)} is outside of ${printable(within!)}`);
  } catch (error) {
    folder[Symbol.dispose]();
    throw storageError("write to", named, error);
  }
}
