import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as startRequest,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** A request that came to the proxy: `GET http://127.0.0.1:5000/v2/`, or `CONNECT localhost:5001`. */
export interface ProxyRequest {
  method: string;
  target: string;
  headers: IncomingHttpHeaders;
}

/**
 * An HTTP proxy: forwards plain requests and tunnels TLS by CONNECT. It takes every host for this machine, since clients
 * do not ask a proxy for loopback addresses: {@link viaProxy} gives a registry a name. `await using` ends it.
 */
export interface Proxy extends AsyncDisposable {
  url: string;
  /** The variables that make a client use it. */
  env: Record<string, string>;
  requests: ProxyRequest[];
}

/** The name under which clients of a {@link Proxy} reach a registry; the tests' certificates are good for it. */
export function viaProxy({ host }: { host: string }): string {
  return `registry.test:${host.split(":").at(-1)}`;
}

/** Options of {@link startProxy}. */
export interface ProxyOptions {
  /** Called before a request is passed on; the request waits for what it returns. */
  onRequest?: (request: ProxyRequest) => void | Promise<void>;
  /** Cuts the answer to a plain request short; `undefined` lets it pass. */
  cutResponse?: (request: ProxyRequest) => Cut | undefined;
}

/** How an answer is cut short. */
export interface Cut {
  /** Bytes of the body that pass. */
  after: number;
  /** What happens then: nothing comes any more, or the connection breaks. */
  then: "stall" | "break";
}

/** Starts a proxy on a port of its own. */
export async function startProxy(options: ProxyOptions = {}): Promise<Proxy> {
  const requests: ProxyRequest[] = [];
  const sockets = new Set<Socket>();

  async function note(request: IncomingMessage): Promise<ProxyRequest> {
    const noted = { method: request.method ?? "", target: request.url ?? "", headers: request.headers };
    requests.push(noted);
    await options.onRequest?.(noted);
    return noted;
  }

  const server = createServer((request, response) => {
    note(request).then(
      (noted) => forward(request, response, options.cutResponse?.(noted)),
      (error) => response.destroy(error),
    );
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.on("connect", (request: IncomingMessage, client: Socket) => {
    note(request).then(() => tunnel(request, client, sockets), () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    env: { HTTP_PROXY: url, http_proxy: url, HTTPS_PROXY: url, https_proxy: url },
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(request: IncomingMessage, response: ServerResponse, cut: Cut | undefined): void {
  const { "proxy-connection": _, ...headers } = request.headers;
  const { port, pathname, search } = new URL(request.url ?? "");
  const target = { host: "127.0.0.1", port, path: pathname + search };
  const onward = startRequest({ ...target, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    if (cut === undefined) {
      answer.pipe(response);
    } else {
      passCut(answer, response, cut);
    }
  });
  onward.on("error", (error) => response.destroy(error));
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

function passCut(answer: IncomingMessage, response: ServerResponse, { after, then }: Cut): void {
  let left = after;
  answer.on("data", (chunk: Uint8Array) => {
    const part = chunk.subarray(0, left);
    left -= part.length;
    response.write(part);
    if (left > 0) return;
    answer.pause();
    // `end` would wait for a body of the announced length.
    if (then === "break") setTimeout(() => response.destroy());
  });
}

function tunnel(request: IncomingMessage, client: Socket, sockets: Set<Socket>): void {
  const port = (request.url ?? "").split(":").at(-1);
  const server = connect(Number(port), "127.0.0.1", () => {
    client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    client.pipe(server);
    server.pipe(client);
  });
  sockets.add(server);
  server.on("error", () => client.destroy());
  client.on("error", () => server.destroy());
}
