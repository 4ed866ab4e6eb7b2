import process from "node:process";
import { drawFrame } from "./frame.ts";
import { terminalSize, write } from "./streams.ts";
import { Transfers } from "./transfers.ts";

/** How progress is shown. */
export interface ProgressOptions {
  color: boolean;
  /** Aborting it takes the bars off the terminal. */
  signal?: AbortSignal;
}

/** Progress bars on stderr; disposing takes them away. */
export interface Progress extends Disposable {
  /** What is shown; feed it, it is drawn from time to time. */
  readonly transfers: Transfers;
  /** Prints lines above the bars. */
  print(text: string): void;
}

/** Nothing is drawn for work that is over so soon, in milliseconds. */
const FIRST_FRAME = 150;

/** Between two frames, in milliseconds. */
const FRAME_INTERVAL = 100;

type Frame = ReturnType<typeof import("log-update").createLogUpdate>;

/** Starts to show progress. The library that draws is loaded when the first frame is due. */
export function showProgress({ color, signal }: ProgressOptions): Progress {
  const transfers = new Transfers();
  let frame: Frame | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(start, FIRST_FRAME);

  async function start(): Promise<void> {
    const { createLogUpdate } = await import("log-update");
    if (timer === undefined) return;
    // The cursor stays: hiding it would need clean-up even after `kill -9`.
    frame = createLogUpdate(process.stderr, { showCursor: true });
    draw();
  }

  function draw(): void {
    const size = terminalSize("stderr");
    frame?.(drawFrame(transfers, { ...size, color, now: performance.now() }).join("\n"));
    timer = setTimeout(draw, FRAME_INTERVAL);
  }

  function stop(): void {
    clearTimeout(timer);
    timer = undefined;
    signal?.removeEventListener("abort", stop);
    frame?.clear();
    frame = undefined;
  }

  signal?.addEventListener("abort", stop);
  return {
    transfers,
    print(text) {
      frame?.clear();
      write("stderr", text);
    },
    [Symbol.dispose]: stop,
  };
}
