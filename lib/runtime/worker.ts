import { toJavaScript } from "./typescript.ts";

/** A worker that runs a module given as text. */
export interface TextWorker {
  /** @param moved buffers that are the worker's from now on */
  post(message: unknown, moved?: ArrayBuffer[]): void;
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
 * What a worker starts with. Bun compiles what it loads, and takes the compiled form of all but the smallest modules from a cache
 * below `HOME`, whoever owns that; so it is given only this, and the rest is evaluated.
 */
const BOOT = `addEventListener("message", ({ data }) => (0, eval)(data), { once: true });`;

/**
 * Starts a worker. Text instead of a file is what both runtimes and the built binary can start alike.
 *
 * @param source TypeScript that imports nothing but types
 */
export function startWorker(source: string, listener: WorkerListener): TextWorker {
  const url = URL.createObjectURL(new Blob([BOOT], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  worker.addEventListener("message", ({ data }) => listener.onMessage(data));
  worker.addEventListener("messageerror", () => listener.onError("it sent what cannot be read"));
  worker.addEventListener("error", (event) => {
    // Without this, Deno throws it again here.
    event.preventDefault();
    listener.onError(errorLine(event.message));
  });
  worker.addEventListener("close", () => listener.onEnd());
  worker.postMessage(scriptOf(source));
  return {
    post: (message, moved = []) => worker.postMessage(message, moved),
    terminate: () => {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}

/**
 * Evaluates a module given as text in this program, and takes one of its exports.
 *
 * @param source TypeScript that imports nothing but types
 */
export function evaluateText<T>(source: string, name: string): T {
  return new Function(`${scriptOf(source)}\nreturn ${name};`)();
}

/** A module without imports as a script. */
function scriptOf(source: string): string {
  return `"use strict";\n${toJavaScript(source.replace(/^export /gm, ""))}`;
}

/** What Bun says of an error shows the code around it as well; Deno begins with `Uncaught`. */
function errorLine(text: string): string {
  const line = /^error: (.+)$/m.exec(text)?.[1] ?? text;
  return line.replace(/^Uncaught (\(in promise\) )?/, "");
}
