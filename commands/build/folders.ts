import {
  accessSync,
  constants,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { SatchelError, systemCode } from "../../lib/error.ts";
import { checkFolder } from "../../lib/gadget/build/source.ts";
import { onPath, storageError } from "../../lib/files/mod.ts";
import { printable } from "../../lib/printable.ts";
import { effectiveUser, tryLock, tryLockExisting } from "../../lib/runtime/mod.ts";
import { OUTPUT_MODES } from "../line/spec.ts";
import { stageFile } from "./staged_file.ts";

/** A folder for the time of a build. */
export interface TemporaryFolder extends Disposable {
  /** Absolute. */
  path: string;
}

const PREFIX = "satchel-build-";

/** Locked as long as its folder is used; who is killed leaves both. */
const LOCK_FILE = ".lock";

/** Makes a folder that compilers write to, and removes those of this user that nobody uses any more. */
export function openTemporaryFolder(parent: string): TemporaryFolder {
  removeAbandoned(parent);
  const path = onPath("create a folder in", parent, () => mkdtempSync(resolve(parent, PREFIX)));
  const lock = unlessBroken(() => {
    // It gets its name when it is locked, so that nobody takes the folder for one that is left.
    const unnamed = tryLock(join(path, `${LOCK_FILE}.new`));
    renameSync(join(path, `${LOCK_FILE}.new`), join(path, LOCK_FILE));
    return unnamed;
  });
  return {
    path,
    [Symbol.dispose]() {
      remove(path);
      lock?.[Symbol.dispose]();
    },
  };
}

/** Whoever was just killed may still have been writing. */
function remove(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

/** What cannot be looked at or removed stays: a build does not need that. */
function removeAbandoned(parent: string): void {
  const names = unlessBroken(() => readdirSync(parent)) ?? [];
  for (const path of names.filter((each) => each.startsWith(PREFIX)).map((each) => resolve(parent, each))) {
    unlessBroken(() => {
      const stat = lstatSync(path);
      if (!stat.isDirectory() || stat.uid !== effectiveUser()) return;
      using lock = tryLockExisting(join(path, LOCK_FILE));
      if (lock) remove(path);
    });
  }
}

function unlessBroken<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof SatchelError || systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

/**
 * Makes sure that generated files can be kept in a folder.
 *
 * @throws {SatchelError} `usage` if it is not there or no folder; `storage` if it is not writable
 */
export function checkOutputFolder(path: string): void {
  try {
    checkFolder(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    const cause = error instanceof SatchelError ? error : storageError("write to", path, error);
    throw new SatchelError(cause.code, `--output: ${cause.message}`, {
      // What is said of a gadget's folder does not fit.
      hint: cause === error ? folderHint(basename(path)) : cause.hint ?? "Files are put there when all is compiled.",
      cause,
    });
  }
  checkPlaces(path);
}

/** `-o json` is what other commands have. */
function folderHint(name: string): string {
  const text = "It names a folder, which has to be there before the build.";
  return OUTPUT_MODES.some((mode) => mode === name) ? `${text} --format ${name} is the form of the result.` : text;
}

/** What a build makes. */
const GENERATED = ["amd64.bpf.o", "arm64.bpf.o", "program.wasm", "btfs-x86_64.tar.gz", "btfs-arm64.tar.gz"];

/** Of several files the later ones could not be put where a folder is. */
function checkPlaces(folder: string): void {
  for (const name of GENERATED) {
    const path = join(folder, name);
    if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) continue;
    throw new SatchelError("usage", `--output: ${printable(path)} is a folder, where a file is to be`, {
      hint: "Remove it, or name another folder.",
    });
  }
}

/**
 * Copies what was made into the folder that somebody wants it in, each file whole or not at all. If root has made it, it belongs to whom
 * that folder belongs. Compilers do not write there themselves: whoever may put links into it would lead root's compilers to other files.
 *
 * @throws {SatchelError} `storage`
 */
export function keepOutputs(made: string, folder: string): void {
  const owner = onPath("read", folder, () => statSync(folder));
  for (const name of readdirSync(made).filter((each) => GENERATED.includes(each))) {
    using file = stageFile(join(folder, name), readFileSync(join(made, name)), { owner });
    file.commit();
  }
}
