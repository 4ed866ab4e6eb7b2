import { toJavaScript } from "./typescript.ts";

/** A worker that runs a module given as text. */
export interface TextWorker {
  post(message: unknown): void;
  /** Ends it at once, whatever it is doing. */
  terminate(): void;
}

/** Who is told of what a {@link TextWorker} does. */
export interface WorkerListener {
  onMessage(message: unknown): void;
  /** Nobody in the worker caught an error: it is told once, as text. What becomes of the worker depends on the runtime. */
  onError(text: string): void;
  /** It has ended, by itself or by {@link TextWorker.terminate}. Deno does not tell. */
  onEnd(): void;
}

/**
 * Starts a worker. Text instead of a file is what both runtimes and the built binary can start alike.
 *
 * @param source a TypeScript module that imports nothing but types
 */
export function startWorker(source: string, listener: WorkerListener): TextWorker {
  const url = urlOf(source);
  const worker = new Worker(url, { type: "module" });
  worker.addEventListener("message", ({ data }) => listener.onMessage(data));
  worker.addEventListener("messageerror", () => listener.onError("it sent what cannot be read"));
  worker.addEventListener("error", (event) => {
    // Without this, Deno throws it again here.
    event.preventDefault();
    listener.onError(errorLine(event.message));
  });
  worker.addEventListener("close", () => listener.onEnd());
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}

/**
 * Imports a module given as text into this program.
 *
 * @param source a TypeScript module that imports nothing but types
 */
export async function importText<T>(source: string): Promise<T> {
  const url = urlOf(source);
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** As JavaScript: Deno may check types, and would look for what is imported beside a text that has no place. */
function urlOf(source: string): string {
  return URL.createObjectURL(new Blob([toJavaScript(source)], { type: "text/javascript" }));
}

/** What Bun says of an error shows the code around it as well; Deno begins with `Uncaught`. */
function errorLine(text: string): string {
  const line = /^error: (.+)$/m.exec(text)?.[1] ?? text;
  return line.replace(/^Uncaught (\(in promise\) )?/, "");
}
