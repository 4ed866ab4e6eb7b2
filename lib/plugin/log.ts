import { printable } from "../printable.ts";

/** How many lines of one plugin are shown, and how much of each, in UTF-16 units. */
const LINES = 1000;
const LINE_LENGTH = 1000;

/** Shows what a plugin says line by line. A plugin that says too much is cut short. */
export interface PluginLog {
  /** Whole lines. */
  text(text: string): void;
  /** A part of a stream: a line may go on in the next one. */
  bytes(bytes: Uint8Array): void;
  /** The stream has ended. */
  end(): void;
}

/** @param write shows one line, which is safe for a terminal */
export function createLog(write: (line: string) => void): PluginLog {
  const decoder = new TextDecoder();
  let rest = "";
  let count = 0;
  const show = (line: string) => {
    count++;
    if (count > LINES) return;
    write(count === LINES ? "(what it says from here on is not shown)" : printable(line, LINE_LENGTH));
  };
  const flush = () => {
    if (rest !== "") show(rest);
    rest = "";
  };
  return {
    text: (text) => text.replace(/\n$/, "").split("\n").forEach(show),
    bytes: (bytes) => {
      if (count >= LINES) return;
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop()!;
      lines.forEach(show);
      // What has no line feeds must not pile up in memory.
      if (rest.length > LINE_LENGTH) flush();
    },
    end: flush,
  };
}
