import { accessSync, constants, lchownSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { SatchelError } from "../../lib/error.ts";
import { checkFolder } from "../../lib/gadget/build/source.ts";
import { isRoot } from "../../lib/runtime/process.ts";
import { storageError } from "../../lib/files/mod.ts";

/** A folder that the steps of a build write to. */
export interface OutputFolder extends Disposable {
  /** Absolute. */
  path: string;
  /** Gives what is in it to whom the folder belongs, if root has made it; not what others have put there. */
  handOver(): void;
}

/**
 * Opens the folder that somebody wants generated files in.
 *
 * @throws {SatchelError} `usage` if it is not there or no folder; `storage` if it is not writable
 */
export function openNamedFolder(path: string): OutputFolder {
  try {
    checkFolder(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    const cause = error instanceof SatchelError ? error : storageError("write to", path, error);
    throw new SatchelError(cause.code, `--output: ${cause.message}`, {
      hint: cause.hint ?? "It has to be there before the build.",
      cause,
    });
  }
  const before = new Set(readdirSync(path));
  return {
    path,
    handOver: () => isRoot() && giveToOwner(path, before),
    [Symbol.dispose]() {},
  };
}

/** Makes a folder for the time of a build. */
export function openTemporaryFolder(parent: string): OutputFolder {
  let path: string;
  try {
    path = mkdtempSync(join(parent, "satchel-build-"));
  } catch (error) {
    throw storageError("create a folder in", parent, error);
  }
  return {
    path,
    handOver() {},
    // Whoever was just killed may still have been writing.
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }),
  };
}

function giveToOwner(folder: string, before: ReadonlySet<string>): void {
  const { uid, gid } = statSync(folder);
  const give = (path: string) => {
    const stat = lstatSync(path);
    // A hard link may be a file that somebody else has elsewhere.
    if (stat.uid !== 0 || (!stat.isDirectory() && stat.nlink > 1)) return;
    lchownSync(path, uid, gid);
    if (stat.isDirectory()) readdirSync(path).forEach((name) => give(join(path, name)));
  };
  for (const name of readdirSync(folder)) if (!before.has(name) || isGenerated(name)) give(join(folder, name));
}

/** Files that a build writes anew. */
function isGenerated(name: string): boolean {
  return /^((amd64|arm64)\.bpf\.o|program\.wasm|btfs-(x86_64|arm64)\.tar\.gz)$/.test(name);
}
