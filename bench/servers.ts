/** Starts the servers that are measured against, on free ports of the loopback interface. @module */
import { startDistribution, startInBackground } from "../tests/harness/mod.ts";

/** A server that runs until it is disposed of. */
export interface Server extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  host: string;
}

/**
 * Starts a distribution registry whose content is below `folder`. It logs no requests, which would cost it time.
 *
 * @param program path of the `registry` program
 */
export function startRegistry(program: string, folder: string): Promise<Server> {
  return startDistribution(program, { storage: `${folder}/content`, withoutAccessLog: true });
}

/** Starts the proxy that adds a round trip of some milliseconds before `upstream`, to connecting as well or not. */
export async function startLatencyProxy(
  upstream: string,
  roundTrip: number,
  instantConnect: boolean,
): Promise<Server> {
  const program = new URL("latency_proxy.ts", import.meta.url).href;
  const options = instantConnect ? ["--instant-connect"] : [];
  const args = ["run", "--no-check", "--no-config", "--allow-net", program, upstream, `${roundTrip}`, ...options];
  const server = await startInBackground(Deno.execPath(), args, {
    env: { HOME: Deno.env.get("HOME") ?? "/" },
    ready: (line) => /^(127\.0\.0\.1:\d+)$/.exec(line)?.[1],
  });
  return { host: server.found, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
