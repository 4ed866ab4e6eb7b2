import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as startRequest,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { pipeline, Readable } from "node:stream";

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
export interface HttpProxy extends AsyncDisposable {
  url: string;
  /** The variables that make a client use it. */
  env: Record<string, string>;
  requests: ProxyRequest[];
}

/** The name under which clients of a {@link HttpProxy} reach a registry; the tests' certificates are good for it. */
export function viaProxy({ host }: { host: string }): string {
  return `registry.test:${host.split(":").at(-1)}`;
}

/** Options of {@link startHttpProxy}. */
export interface HttpProxyOptions {
  /** Where every plain request goes, `127.0.0.1:<port>`, whatever host it is for. Default: its port of this machine. */
  upstream?: string;
  /** Called before a request is passed on; the request waits for what it returns. */
  onRequest?: (request: ProxyRequest) => void | Promise<void>;
  /** Answers a plain request in the registry's place, when its body has come; `undefined` lets it pass. */
  answer?: (request: ProxyRequest) => Answer | undefined;
  /** Cuts the answer to a plain request short; `undefined` lets it pass. */
  cutResponse?: (request: ProxyRequest) => Cut | undefined;
  /** Passes the body of an answer to a plain request on in its own way. Not asked where `cutResponse` cuts. */
  passBody?: (request: ProxyRequest, body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

/** An answer of the proxy's own, without a body. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
}

/** How an answer is cut short. */
export interface Cut {
  /** Bytes of the body that pass. */
  after: number;
  /** What happens then: nothing comes any more, or the connection breaks. */
  then: "stall" | "break";
}

/** Starts a proxy on a port of its own. */
export async function startHttpProxy(options: HttpProxyOptions = {}): Promise<HttpProxy> {
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
      (noted) => {
        const answer = options.answer?.(noted);
        if (answer === undefined) return forward(request, response, noted, options);
        request.resume().on("end", () => response.writeHead(answer.status, answer.headers).end());
      },
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

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  noted: ProxyRequest,
  { upstream, cutResponse, passBody }: HttpProxyOptions,
): void {
  const { "proxy-connection": _, ...headers } = request.headers;
  const { port, pathname, search } = new URL(noted.target);
  const target = { host: "127.0.0.1", port: upstream?.split(":").at(-1) ?? port, path: pathname + search };
  const cut = cutResponse?.(noted);
  const onward = startRequest({ ...target, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    if (cut !== undefined) {
      passCut(answer, response, cut);
    } else if (passBody !== undefined) {
      pipeline(Readable.from(passBody(noted, answer)), response, () => {});
    } else {
      answer.pipe(response);
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
