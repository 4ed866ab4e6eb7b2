import { closeSync, openSync, readSync } from "node:fs";

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
  /** How long a connection may be silent, in seconds, at most 255. */
  idleSeconds: number;
}

/** A socket that takes requests. */
export interface Listener {
  readonly hostname: string;
  readonly port: number;
  /** Takes no more connections, and resolves when what is open has ended, or was ended since `grace` milliseconds had passed. */
  close(grace: number): Promise<void>;
}

interface BunServer {
  hostname: string;
  port: number;
  stop(closeActive?: boolean): Promise<void>;
  requestIP(request: Request): { address: string } | null;
}

interface BunServing {
  serve(options: Record<string, unknown>): BunServer;
  file(path: string): Blob;
}

const { Bun: bun } = globalThis as { Bun?: BunServing };

/**
 * Listens for HTTP/1.1 requests.
 *
 * @throws what the runtime throws if the address cannot be had (`EADDRINUSE`, `EACCES`)
 */
export function listen(options: ListenOptions): Listener {
  return bun ? listenInBun(bun, options) : listenInDeno(options);
}

function listenInBun({ serve }: BunServing, { hostname, port, tls, handler, idleSeconds }: ListenOptions): Listener {
  const server = serve({
    hostname,
    port,
    ...(tls && { tls }),
    idleTimeout: idleSeconds,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    fetch: (request: Request, { requestIP }: BunServer) =>
      handler(request, { address: requestIP.call(server, request)?.address ?? "" }),
  });
  return {
    hostname: server.hostname,
    port: server.port,
    async close(grace) {
      const forced = setTimeout(() => void server.stop(true), grace);
      await server.stop();
      clearTimeout(forced);
    },
  };
}

function listenInDeno({ hostname, port, tls, handler }: ListenOptions): Listener {
  const controller = new AbortController();
  const server = Deno.serve(
    { hostname, port, ...tls, signal: controller.signal, onListen: () => {} },
    (request, { remoteAddr }) => handler(request, { address: remoteAddr.hostname }),
  );
  return {
    hostname: server.addr.hostname,
    port: server.addr.port,
    async close(grace) {
      const forced = setTimeout(() => controller.abort(), grace);
      await server.shutdown();
      clearTimeout(forced);
    },
  };
}

/** How much is read at once where the runtime does not send files by itself. */
const CHUNK = 256 * 1024;

/** A part of a file as the body of a response; the runtime sends it by itself where it can. */
export function fileBody(path: string, offset: number, length: number): BodyInit {
  if (bun) return bun.file(path).slice(offset, offset + length);
  const fd = openSync(path, "r");
  let position = offset;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const memory = new Uint8Array(Math.min(CHUNK, offset + length - position));
      const read = memory.length > 0 ? readSync(fd, memory, 0, memory.length, position) : 0;
      position += read;
      if (read > 0) return controller.enqueue(memory.subarray(0, read));
      closeSync(fd);
      controller.close();
    },
    cancel: () => closeSync(fd),
  });
}
