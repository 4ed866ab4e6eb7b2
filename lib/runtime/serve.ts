import { setImmediate } from "node:timers";
export * from "./serve_file.ts";

/** Answers one request; it must not throw. */
export type RequestHandler = (request: Request, peer: { address: string }) => Promise<Response>;

/** What a listener listens on, and how. */
export interface ListenOptions {
  /** Address or host name. */
  hostname: string;
  /** 0 takes any that is free. */
  port: number;
  /** Certificate chain and key, as PEM. */
  tls?: { cert: string; key: string };
  handler: RequestHandler;
  /**
   * Answers instead of an answer that could not be sent: Bun opens a file when the answer is made already, and it may be gone by
   * then. Not asked in Deno, where files are open before. Default: a bare 500.
   */
  unsent?: (error: unknown) => Response;
  /**
   * How long a connection may be silent, in seconds, at most 255. Bodies that come in are for the handler to watch. Deno has times of
   * its own.
   */
  idleSeconds: number;
}

/** A socket that takes requests. */
export interface Listener {
  readonly hostname: string;
  readonly port: number;
  /** How many requests are being answered, until the last byte was handed to the system; in Deno until the answer began. */
  readonly openRequests: number;
  /**
   * Takes no more connections, and resolves when what is open has ended, or was ended since `grace` milliseconds had passed.
   *
   * @returns how many requests were ended so
   */
  close(grace: number): Promise<number>;
}

interface BunServer {
  hostname: string;
  port: number;
  pendingRequests: number;
  stop(closeActive?: boolean): Promise<void>;
  requestIP(request: Request): { address: string } | null;
  timeout(request: Request, seconds: number): void;
}

interface BunServing {
  serve(options: Record<string, unknown>): BunServer;
}

const { Bun: bun } = globalThis as { Bun?: BunServing };

/** How many requests are answered until the runtime looks for what else has come: a few milliseconds of them. */
const IN_ONE_TURN = 100;

/** How long nothing may be asked until connections are cut at the end, in milliseconds. */
const CALM = 500;

/**
 * Listens for HTTP/1.1 requests.
 *
 * @throws what the runtime throws if the address cannot be had (`EADDRINUSE`, `EACCES`)
 */
export function listen(options: ListenOptions): Listener {
  return bun ? listenInBun(bun, options) : listenInDeno(options);
}

function listenInBun({ serve }: BunServing, options: ListenOptions): Listener {
  const { hostname, port, tls, handler, unsent, idleSeconds } = options;
  let asked = 0;
  const server = serve({
    hostname,
    port,
    ...(tls && { tls }),
    idleTimeout: idleSeconds,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    // Without development, Bun would let a second server take half of the connections.
    reusePort: false,
    async fetch(request: Request) {
      const address = server.requestIP(request)?.address ?? "";
      // Bun would cut uploads of less than 16 KiB a second, and whatever takes long to answer.
      server.timeout(request, 0);
      // Thousands of requests that come on one connection at once would be answered before anybody else's is read.
      if (++asked % IN_ONE_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      const response = await handler(request, { address });
      server.timeout(request, idleSeconds);
      // RFC 9110, 6.6.1: Bun leaves it out where there is no body to be sent.
      if (request.method === "HEAD") response.headers.set("Date", new Date().toUTCString());
      return response;
    },
    error: unsent ?? (() => new Response(null, { status: 500 })),
  });
  return {
    hostname: server.hostname,
    port: server.port,
    get openRequests() {
      return server.pendingRequests;
    },
    async close(grace) {
      const ended = server.stop();
      const until = performance.now() + grace;
      let calmSince = performance.now();
      let cut = 0;
      // Bun waits for connections with half a request as well.
      const timer = setInterval(() => {
        const now = performance.now();
        if (server.pendingRequests > 0) calmSince = now;
        if (now < until && now - calmSince < CALM) return;
        cut = Math.max(cut, server.pendingRequests);
        void server.stop(true);
      }, CALM / 10);
      await ended;
      clearInterval(timer);
      return cut;
    },
  };
}

function listenInDeno({ hostname, port, tls, handler }: ListenOptions): Listener {
  const controller = new AbortController();
  let openRequests = 0;
  const server = Deno.serve(
    { hostname, port, ...tls, signal: controller.signal, onListen: () => {} },
    async (request, { remoteAddr }) => {
      openRequests++;
      try {
        return await handler(request, { address: remoteAddr.hostname });
      } finally {
        openRequests--;
      }
    },
  );
  return {
    hostname: server.addr.hostname,
    port: server.addr.port,
    get openRequests() {
      return openRequests;
    },
    async close(grace) {
      let cut = 0;
      const forced = setTimeout(() => {
        cut = openRequests;
        controller.abort();
      }, grace);
      await server.shutdown();
      clearTimeout(forced);
      return cut;
    },
  };
}
