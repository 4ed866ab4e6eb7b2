import type { ProgressEvent } from "../../lib/content/mod.ts";
import { shortDigest } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { isTerminal, type Progress, showProgress, write } from "../../lib/terminal/mod.ts";
import type { Settings } from "../settings/settings.ts";

/** What a command says on stderr while it works. Disposing is {@link Reporter.finish}, for the ways out that errors take. */
export interface Reporter extends Disposable {
  /** Says what is being done; not with `--quiet`. */
  status(text: string): void;
  /** Says what is odd but no reason to stop. */
  warn(text: string): void;
  /** Says more; only with `--verbose`. */
  detail(text: string): void;
  /** Takes a line about a request; `undefined` without `--debug`. */
  readonly debug?: (line: string) => void;
  /** Shows what moves; `undefined` if nobody looks. */
  readonly progress?: (event: ProgressEvent) => void;
  /** Shows how far one long piece of work is, in bytes; `undefined` if nobody looks. */
  readonly measure?: (label: string, done: number, total: number) => void;
  /**
   * Takes progress bars away. To be called before a result is printed: on a terminal it would end up among them. What is
   * said later is printed all the same, and calling it again does nothing.
   */
  finish(): void;
}

/** The most of one line that is shown, in UTF-16 units: what comes from outside may be longer. */
const MAX_LINE = 2000;

/** Opens the reporter of a command. Progress is shown on a terminal alone. */
export function openReporter(settings: Settings, signal: AbortSignal): Reporter {
  const isWatched = !settings.quiet && settings.escapes && isTerminal("stderr");
  const bars = isWatched ? showProgress({ signal }) : undefined;
  const print = (text: string) => {
    const line = `${printable(text, MAX_LINE)}\n`;
    if (bars) bars.print(line);
    else write("stderr", line);
  };
  settings.warnings.forEach((warning) => print(`Warning: ${warning}`));
  if (settings.verbose) settings.notes.forEach((note) => print(`Warning: ${note}`));
  const finish = () => bars?.[Symbol.dispose]();
  return {
    status: (text) => settings.quiet || print(text),
    warn: (text) => print(`Warning: ${text}`),
    detail: (text) => settings.verbose && print(text),
    ...(settings.debug && { debug: (line) => print(`Debug: ${line}`) }),
    ...(bars && {
      progress: (event) => feed(bars, event),
      measure: (label, done, total) => bars.transfers.measure(label, done, total, performance.now()),
    }),
    finish,
    [Symbol.dispose]: finish,
  };
}

function feed({ transfers }: Progress, { type, descriptor, bytes }: ProgressEvent): void {
  const { digest, size } = descriptor;
  const now = performance.now();
  if (type === "start") transfers.start(digest, shortDigest(digest), size, now);
  else if (type === "resumed") transfers.resume(digest, bytes);
  else if (type === "bytes") transfers.receive(digest, bytes, now);
  else transfers.finish(digest);
}
