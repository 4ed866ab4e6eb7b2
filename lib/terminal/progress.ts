import { drawFrame } from "./frame.ts";
import { terminalSize, write } from "./streams.ts";
import { Transfers } from "./transfers.ts";

/** How progress is shown. */
export interface ProgressOptions {
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

/** Starts to show progress. The library that draws is loaded when there is something to draw. */
export function showProgress({ signal }: ProgressOptions): Progress {
  const transfers = new Transfers();
  let frame: Frame | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(draw, FIRST_FRAME);

  async function draw(): Promise<void> {
    const lines = drawFrame(transfers, { ...terminalSize("stderr"), now: performance.now() });
    if (lines.length > 0) {
      frame ??= await openFrame();
      // Stopped while the library was loading.
      if (timer === undefined) return;
      frame(lines.join("\n"));
    }
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

async function openFrame(): Promise<Frame> {
  const { createLogUpdate } = await import("log-update");
  // Everything goes through the one write(), so that frames and messages keep their order.
  const stream = {
    isTTY: true,
    get columns() {
      return terminalSize("stderr").columns;
    },
    get rows() {
      return terminalSize("stderr").rows;
    },
    write: (text: string) => write("stderr", text),
  };
  // The cursor stays: hiding it would need clean-up even after `kill -9`.
  return createLogUpdate(stream as unknown as NodeJS.WritableStream, { showCursor: true });
}
