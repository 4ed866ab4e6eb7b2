import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { concatBytes, type Source, type Target } from "../content/mod.ts";
import { type Descriptor, digestOf } from "../oci/mod.ts";
import { openRepository, type RegistryOptions } from "./mod.ts";

/** A request as a test server saw it. */
export interface SeenRequest {
  method: string;
  /** Path and query. */
  url: string;
  headers: Record<string, string | undefined>;
}

/** A server of a test, on a free port of the loopback. */
export interface TestServer extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  host: string;
  /** Every request so far. */
  seen: SeenRequest[];
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Starts a server; what the handler throws ends the connection. */
export async function serve(handler: Handler): Promise<TestServer> {
  const seen: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const { method = "", url = "", headers } = request;
    seen.push({ method, url, headers: { ...headers } as Record<string, string | undefined> });
    request.on("error", () => {});
    response.on("error", () => {});
    try {
      await handler(request, response);
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Opens a repository `team/app` of a test server; retries do not wait. */
export function repositoryAt(
  server: Pick<TestServer, "host">,
  options: RegistryOptions = {},
  repository = "team/app",
): Source & Target {
  const ref = { registry: server.host, repository };
  return openRepository(ref, { plainHttp: true, retryDelay: 0, retries: 2, ...options });
}

/** Answers with a status, headers (those that are undefined left out) and a body of known length. */
export function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string | string[] | undefined> = {},
  body: string | Uint8Array = "",
): void {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const all = Object.entries({ "content-length": String(bytes.length), ...headers });
  response.writeHead(status, Object.fromEntries(all.filter(([, value]) => value !== undefined)));
  response.end(bytes);
}

/** The whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return concatBytes(chunks);
}

/** Some content with its descriptor. */
export interface Sample {
  bytes: Uint8Array<ArrayBuffer>;
  descriptor: Descriptor;
}

/** Content of `size` bytes that looks random and is the same each time. */
export function sampleBlob(size: number): Sample {
  const bytes = new Uint8Array(size);
  for (let i = 0, x = size + 1; i < size; i++) bytes[i] = (x = (x * 1103515245 + 12345) & 0x7fffffff) >> 16;
  return { bytes, descriptor: { mediaType: "application/octet-stream", digest: digestOf(bytes), size } };
}

/** A manifest, or anything else that is JSON. */
export function sampleJson(mediaType: string, json: unknown): Sample {
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
}

/** Reads a stream into memory. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk.slice());
  return concatBytes(chunks);
}
