import { binary, satchelEnvironment } from "./satchel.ts";
import { type Background, startInBackground } from "./process.ts";
import type { Registry } from "./registry.ts";
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

/** The flags of a server that everybody may write to. */
export const WRITABLE = ["--writable", "--allow-anonymous-push"] as const;

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

/** A request in the log of a served store. */
const LOGGED = /"([A-Z]+ \S+)" (\d{3}) /;

/**
 * Starts a registry for tests that need one, whichever it is: an empty store, served. It is there with nothing installed;
 * what is about other registries uses `startRegistry` and its like.
 */
export async function startServedRegistry(): Promise<Registry> {
  const scratch = await scratchFolder();
  const storage = scratch.at("store");
  const served = await startServe({ store: storage, flags: WRITABLE }).catch(
    async (error) => {
      await scratch[Symbol.asyncDispose]();
      throw error;
    },
  );
  const request = (line: string) => LOGGED.exec(line)?.slice(1).join(" ");
  const { host, url, fetch, process } = served;
  return {
    host,
    url,
    fetch,
    storage,
    env: {},
    requests: () => process.lines.map(request).filter((line) => line !== undefined),
    waitForRequest: (pattern) =>
      process.waitFor((line) => {
        const found = request(line);
        return found !== undefined && pattern.test(found) ? found : undefined;
      }),
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}
