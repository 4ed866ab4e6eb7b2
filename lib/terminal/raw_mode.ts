import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import process from "node:process";

/** A terminal that gives what is typed to this process alone: key by key, not shown. Disposing gives it back. */
export interface RawMode extends Disposable {
  /** Stops this process and those of its job, as Ctrl-Z does, and lets the shell have the terminal meanwhile. */
  suspend(): void;
}

/** How long to wait for being stopped, in milliseconds: a job that no shell looks after is not. */
const STOP_PATIENCE = 50;

/**
 * Keeps the terminal behind stdin in raw mode, also after this process was stopped and goes on. (What the runtimes do of their own
 * leaves the terminal raw and reads no more.)
 *
 * @param onResume called when the terminal is ours again, with other text on it
 */
export function keepRawMode(onResume: () => void): RawMode {
  let isSuspended = false;
  let isOver = false;

  function enter(): void {
    if (isOver) return;
    if (!isForeground()) {
      isSuspended = true;
      // Later, so that a signal to end that came with SIGCONT is heard first.
      setTimeout(() => isForeground() ? enter() : isOver || process.kill(0, "SIGTTOU"), STOP_PATIENCE);
      return;
    }
    isSuspended = false;
    // The shell may have changed it, of which the runtime knows nothing.
    process.stdin.setRawMode(false);
    process.stdin.setRawMode(true);
    process.stdin.resume();
    onResume();
  }

  process.on("SIGCONT", enter);
  return {
    suspend() {
      isSuspended = true;
      discardTyped();
      process.stdin.setRawMode(false);
      process.kill(0, "SIGTSTP");
      // In two steps, so that SIGCONT is heard in between.
      setTimeout(() => setTimeout(() => isSuspended && isForeground() && enter()), STOP_PATIENCE);
    },
    [Symbol.dispose]() {
      process.off("SIGCONT", enter);
      // The shell's input is not ours.
      if (!isSuspended) discardTyped();
      isOver = true;
    },
  };
}

/** Whether the terminal is this job's: to change it from the background is to be stopped. */
function isForeground(): boolean {
  try {
    // proc_pid_stat(5); the second field, a name in parentheses, may have blanks of its own.
    const [, , group, , , ofTerminal] = readFileSync("/proc/self/stat", "utf8").replace(/^.*\) /s, "").split(" ");
    return group === ofTerminal;
  } catch {
    return true;
  }
}

/** Takes what was typed and nobody has read: it may be a password, which the shell would run and keep in its history. */
function discardTyped(): void {
  let terminal: number | undefined;
  try {
    terminal = openSync("/dev/tty", constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const bytes = new Uint8Array(4096);
    while (readSync(terminal, bytes) > 0);
  } catch {
    // There is no more of it, or no such terminal.
  } finally {
    if (terminal !== undefined) closeSync(terminal);
  }
}
