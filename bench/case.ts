/** What a case is, and what several of them need. @module */
import type { Descriptor } from "./images.ts";
import type { Tool } from "./tools.ts";

/** How large everything is. */
export interface Sizes {
  /** MiB of the one large layer. */
  large: number;
  /** Number of layers of 1 MiB. */
  layers: number;
  /** Images in one archive. */
  images: number;
  /** Names in the store that is listed. */
  names: number;
  /** Round trip through the proxy, in milliseconds. */
  roundTrip: number;
  /** Connecting through the proxy costs no round trip. */
  instantConnect: boolean;
}

/** What a case may use. */
export interface Bench {
  /** A folder of the case's own, which is removed with everything in it. */
  scratch: string;
  /** Path of the registry program. */
  registry: string;
  sizes: Sizes;
}

/** One run: a command line, and what must hold afterwards. */
export interface Turn extends AsyncDisposable {
  words: string[];
  /** Throws if the command did not do what it should have done. */
  check(): void;
}

/** A case that is ready to run. */
export interface Prepared extends AsyncDisposable {
  /** Makes a run ready; `undefined` if the tool cannot do this. */
  turn(tool: Tool): Promise<Turn | undefined>;
}

/** Something to measure. */
export interface Case {
  name: string;
  title(sizes: Sizes): string;
  /** Runs of each tool in a round: more for what is over quickly. */
  runs: number;
  prepare(bench: Bench): Promise<Prepared>;
}

/** Checks that a folder has all blobs of a layout, by their sizes. */
export function checkContents(folder: string, expected: readonly Descriptor[]): void {
  for (const { digest, size } of expected) {
    const path = `${folder}/blobs/${digest.replace(":", "/")}`;
    if (Deno.statSync(path).size !== size) throw new Error(`${path} is not ${size} bytes long`);
  }
}

/** A run that leaves nothing behind. */
export function plainTurn(words: string[]): Turn {
  return { words, check: () => {}, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** Removes a folder; one that was never made is no error. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
