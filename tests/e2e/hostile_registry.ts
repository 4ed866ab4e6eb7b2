import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Blob, Image } from "../harness/mod.ts";

/** A request as it came. */
export interface Received {
  method: string;
  url: string;
  authorization: string | undefined;
}

/** A server of a test, which lies as it is told to. `await using` ends it. */
export interface HostileRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  host: string;
  received: Received[];
}

/** Deals with a request; `false` leaves it to the honest part. */
export type Lie = (request: IncomingMessage, response: ServerResponse, url: URL) => boolean | void;

/** Starts a registry that hands out an image under every tag, except where `lie` answers in its place. */
export async function startHostileRegistry(image: Image, lie: Lie): Promise<HostileRegistry> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", `http://${request.headers.host}`);
    received.push({
      method: request.method ?? "",
      url: `${url.pathname}${url.search}`,
      authorization: request.headers.authorization,
    });
    response.on("error", () => {});
    if (lie(request, response, url) !== false) return;
    const name = url.pathname.split("/").at(-1) ?? "";
    const found = [...image.manifests, ...image.blobs].find(({ digest }) => digest === name);
    if (found) return give(response, found);
    if (url.pathname.includes("/manifests/") && !name.startsWith("sha256")) return give(response, image.root);
    reply(response, 404, { "content-type": "application/json" }, '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers with content as an honest registry does. */
export function give(response: ServerResponse, { bytes, mediaType, digest }: Blob): void {
  reply(response, 200, { "content-type": mediaType, "docker-content-digest": digest }, bytes);
}

/** Answers with a body of known length. */
export function reply(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body: string | Uint8Array = "",
): void {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  response.writeHead(status, { "content-length": String(bytes.length), ...headers });
  response.end(bytes);
}

/** Sends bytes until the other side has had enough; returns how many were sent so far. */
export function sendForever(response: ServerResponse): () => number {
  const chunk = new Uint8Array(64 * 1024);
  let sent = 0;
  const more = () => {
    while (!response.destroyed) {
      sent += chunk.length;
      if (!response.write(chunk)) return response.once("drain", more);
    }
  };
  more();
  return () => sent;
}
