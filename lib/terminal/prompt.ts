import process from "node:process";
import { cancelled, SatchelError, throwIfCancelled } from "../error.ts";
import { keepRawMode } from "./raw_mode.ts";
import { write } from "./streams.ts";

/** Asks a person on the terminal. Disposing gives the terminal back as it was. */
export interface Prompt extends Disposable {
  /**
   * Asks for one line.
   *
   * @throws {SatchelError} `cancelled` at Ctrl-C, at Ctrl-D, and when the signal is aborted
   */
  ask(question: string): Promise<string>;
  /** As {@link Prompt.ask}, and shows nothing of what is typed. */
  askHidden(question: string): Promise<string>;
}

/** Longer lines are no answers, in UTF-16 units. */
const MAX_LINE = 64 * 1024;

/**
 * Opens the terminal behind stdin for questions, which stand on stderr. One interface serves all of them: what is typed or
 * pasted ahead of a question is its answer, and is never shown, since it may be the password.
 */
export function openPrompt(signal: AbortSignal): Prompt {
  throwIfCancelled(signal);
  // Both take milliseconds to load, which no command shall pay that asks nothing.
  const { createInterface } = process.getBuiltinModule("node:readline");
  const { Writable } = process.getBuiltinModule("node:stream");
  let isShown = false;
  const lines: string[] = [];
  let asked = "";
  let end: SatchelError | undefined;
  let wake = () => {};
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (isShown) write("stderr", String(chunk));
      done();
    },
  });
  const reader = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  const raw = keepRawMode(() => {
    // What was typed before is not on the screen any more.
    Object.assign(reader, { line: "", cursor: 0 });
    write("stderr", `\n${asked}`);
  });
  const giveBack = () => {
    process.stdin.off("keypress", onKey);
    raw[Symbol.dispose]();
    reader.close();
  };
  const finish = (reason: SatchelError) => {
    if (end) return;
    end = reason;
    // The cursor stands behind a question.
    write("stderr", "\n");
    giveBack();
    wake();
  };
  const abort = () => finish(cancelled(signal));
  reader.on("line", (line) => {
    isShown = false;
    if (lines.length < 2) lines.push(line.slice(0, MAX_LINE));
    wake();
  });
  // Without a listener, readline would stop the process in its own way; on a simple terminal it does not know the key.
  reader.on("SIGTSTP", () => {});
  const onKey = (_text: string, { ctrl, name }: { ctrl?: boolean; name?: string }) => {
    if (ctrl && name === "z") raw.suspend();
  };
  process.stdin.on("keypress", onKey);
  reader.on("SIGINT", () => finish(new SatchelError("cancelled", "Interrupted")));
  reader.on("close", () => finish(new SatchelError("cancelled", "The input ended before there was an answer")));
  signal.addEventListener("abort", abort, { once: true });

  async function answer(question: string, shown: boolean): Promise<string> {
    asked = question;
    write("stderr", question);
    reader.setPrompt("");
    while (lines.length === 0) {
      if (end) throw end;
      isShown = shown;
      await new Promise<void>((resolve) => wake = resolve);
    }
    if (!shown) write("stderr", "\n");
    return lines.shift()!;
  }

  return {
    ask: (question) => answer(question, true),
    askHidden: (question) => answer(question, false),
    [Symbol.dispose]() {
      signal.removeEventListener("abort", abort);
      end ??= new SatchelError("cancelled", "The terminal was given back");
      giveBack();
    },
  };
}
