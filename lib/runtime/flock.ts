import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import process from "node:process";
import { cancelled, SatchelError } from "../error.ts";
import { bunFfi, openCLibrary } from "./bun_library.ts";
import { pause } from "./pause.ts";

/** An exclusive `flock(2)` that is held until it is disposed of; the kernel frees it when the process dies. */
export interface Lock extends Disposable {
  readonly path: string;
}

/** Options of {@link acquireLock}. */
export interface LockOptions {
  /** How long to wait, in milliseconds. Default: without end. */
  timeout?: number;
  /** Ends the wait with a `cancelled` error. */
  signal?: AbortSignal;
  /** Called once, when the lock has not been free for a second. */
  onWait?: () => void;
}

/** After which wait the caller is told, in milliseconds. */
const PATIENCE = 1000;

/** The pauses between two tries, in milliseconds: the first one, and what they grow to. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 30;

/** So that a FIFO or a link put in the place of a lock file cannot hang us or lead us elsewhere. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Waits for the exclusive lock on a file, which is created empty with mode 0600 if it is not there. The wait polls:
 * a blocking `flock` would freeze the event loop, downloads included.
 *
 * @throws {SatchelError} `busy` after `timeout`, `cancelled`, `storage` if the file cannot be opened or locked
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<Lock> {
  const started = performance.now();
  let told = false;
  let length = FIRST_PAUSE;
  while (true) {
    if (options.signal?.aborted) throw cancelled(options.signal, `waiting for ${path}`);
    const lock = tryLock(path);
    if (lock) return lock;
    const waited = performance.now() - started;
    if (options.timeout !== undefined && waited >= options.timeout) throw busy(path, options.timeout);
    if (!told && waited >= PATIENCE) {
      told = true;
      options.onWait?.();
    }
    const left = (options.timeout ?? Infinity) - waited;
    // Spread at random, so that many waiters do not wake up together.
    await pause(Math.min(length * (0.5 + Math.random()), left), options.signal, `waiting for ${path}`);
    length = Math.min(length * 1.5, LONGEST_PAUSE);
  }
}

/**
 * Takes the exclusive lock on a file if nobody holds it; the file is created empty with mode 0600 if it is not there.
 *
 * @returns `undefined` if somebody, this process included, holds it
 * @throws {SatchelError} `storage` if the file cannot be opened or locked
 */
export function tryLock(path: string): Lock | undefined {
  return lockIfFree(path, OPEN_FLAGS | constants.O_CREAT);
}

/**
 * Like {@link tryLock}, but never creates the file.
 *
 * @throws {SatchelError} `storage` if the file does not exist, or cannot be opened or locked
 */
export function tryLockExisting(path: string): Lock | undefined {
  return lockIfFree(path, OPEN_FLAGS);
}

function lockIfFree(path: string, flags: number): Lock | undefined {
  try {
    while (true) {
      const handle = openForLock(path, flags);
      if (!handle.tryLock()) {
        handle.close();
        return undefined;
      }
      // Whoever held it may have moved or removed the file meanwhile: then this is a lock on something else.
      if (isStillThere(path, handle.inode)) return { path, [Symbol.dispose]: handle.close };
      handle.close();
    }
  } catch (cause) {
    if (cause instanceof SatchelError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SatchelError("storage", `Cannot lock ${path}: ${reason}`, { cause });
  }
}

function isStillThere(path: string, inode: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === inode;
}

/** An open file of either runtime. */
interface LockHandle {
  inode: number;
  /** False if somebody holds the lock. */
  tryLock(): boolean;
  close(): void;
}

/** The few members of Deno's global that are used here. */
interface DenoLocks {
  openSync(path: string, options: { read: boolean }): {
    tryLockSync(exclusive: boolean): boolean;
    statSync(): { ino: number | null };
    close(): void;
  };
}

function openForLock(path: string, flags: number): LockHandle {
  const fd = openSync(path, flags, 0o600);
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    closeSync(fd);
    throw new SatchelError("storage", `Cannot lock ${path}: it is not a regular file`);
  }
  const deno = (globalThis as { Deno?: DenoLocks }).Deno;
  if (!deno) return { inode: stat.ino, tryLock: () => flockInBun(fd, path), close: () => closeSync(fd) };
  closeSync(fd);
  const file = deno.openSync(path, { read: true });
  return {
    inode: file.statSync().ino ?? -1,
    tryLock: () => file.tryLockSync(true),
    close: () => file.close(),
  };
}

/** `LOCK_EX | LOCK_NB`, the same numbers on Linux and macOS. */
const LOCK_EX_NB = 2 | 4;

/** `EWOULDBLOCK` on Linux and on macOS. */
const WOULD_BLOCK: readonly number[] = [11, 35];

/** The two functions of the C library that are used here. */
interface LibC {
  flock(fd: number, operation: number): number;
  errno(): number;
}

let libC: LibC | undefined;

function flockInBun(fd: number, path: string): boolean {
  libC ??= openLibC();
  let error = 0;
  // The second try is for an interrupted call, and for an errno that the runtime has overwritten.
  for (let attempt = 0; attempt < 2; attempt++) {
    if (libC.flock(fd, LOCK_EX_NB) === 0) return true;
    error = libC.errno();
    if (WOULD_BLOCK.includes(error)) return false;
  }
  // By its system's name, whatever the number: the file system has no locks, or none to spare.
  const cause = Object.assign(new Error(`flock failed with error number ${error}`), { code: "ENOLCK" });
  throw new SatchelError("storage", `Cannot lock ${path}: ${cause.message}`, {
    hint: "Is this a network file system without locks? Put the store on a local disk.",
    cause,
  });
}

function openLibC(): LibC {
  const ffi = bunFfi();
  if (!ffi) throw new SatchelError("storage", "This runtime has no file locks");
  const errnoName = process.platform === "darwin" ? "__error" : "__errno_location";
  const symbols = openCLibrary(ffi, {
    flock: { args: ["i32", "i32"], returns: "i32" },
    [errnoName]: { args: [], returns: "ptr" },
  });
  const errnoAt = symbols[errnoName]();
  return { flock: symbols.flock as LibC["flock"], errno: () => ffi.read.i32(errnoAt, 0) };
}

function busy(path: string, timeout: number): SatchelError {
  return new SatchelError("busy", `${path} is locked by another process, and was so for ${timeout / 1000} s`, {
    hint: "Try again when ig or satchel is done there, or wait longer with --lock-timeout.",
  });
}
