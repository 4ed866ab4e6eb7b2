import { binary, satchelEnvironment } from "./satchel.ts";
import { type Background, startInBackground } from "./process.ts";
import { scratchFolder } from "./scratch.ts";

/** `satchel serve` on a port of its own; `await using` kills it. */
export interface Served extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  host: string;
  /** `http://127.0.0.1:<port>`, or `https:` with `--tls-cert`, without a slash at the end. */
  url: string;
  /** Asks it for a path, `/v2/...`, or a URL that it named. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** The process, with all lines that it wrote. */
  process: Background<string>;
}

/** Options of {@link startServe}. */
export interface ServeSetUp {
  /** The store. */
  store: string;
  /** Flags beside `--listen`. */
  flags?: readonly string[];
  /** A shell command that ends in `"$@"`, to start it with limits. */
  shell?: string;
  env?: Record<string, string>;
}

/** Starts `satchel serve`, and waits until it says where it listens. */
export async function startServe({ store, flags = [], shell, env }: ServeSetUp): Promise<Served> {
  const home = await scratchFolder();
  const words = [await binary(), "serve", "--listen", "127.0.0.1:0", ...flags];
  const [program, ...args] = shell === undefined ? words : ["/bin/sh", "-c", shell, "sh", ...words];
  const process = await startInBackground(program, args, {
    env: { ...satchelEnvironment(store, home.path), ...env },
    ready: (line) => /^Serving .* on (https?:\/\/[^\s,]+)/.exec(line)?.[1],
  }).catch(async (error) => {
    await home[Symbol.asyncDispose]();
    throw error;
  });
  const url = process.found;
  return {
    host: new URL(url).host,
    url,
    process,
    fetch: (path, init) => fetch(new URL(path, url), init),
    async [Symbol.asyncDispose]() {
      await process[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}
