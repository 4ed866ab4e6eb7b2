import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Certificates, Image } from "../harness/mod.ts";

/** A TLS server that asks for client certificates, takes requests without one too, and remembers. */
export interface AskingServer extends AsyncDisposable {
  /** `localhost:<port>` */
  host: string;
  /** For each request the common name of the client certificate that came with it, and its path: `test client /v2/`. */
  seen: string[];
}

/** Answers one request. */
export type Answer = (request: IncomingMessage, response: ServerResponse<IncomingMessage>) => void;

/** Starts one. */
export async function startAskingServer(tls: Certificates, answer: Answer): Promise<AskingServer> {
  const seen: string[] = [];
  const [cert, key, ca] = [tls.certificate, tls.key, tls.authority].map((path) => readFileSync(path));
  const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const client = (request.socket as TLSSocket).getPeerCertificate()?.subject?.CN ?? "nobody";
    seen.push(`${client} ${request.url?.split("?")[0]}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Gives the manifests of an image under any repository and tag, and says that its blobs are at `https://<host>/`. */
export function manifestsOf({ manifests, root }: Image, host: string): Answer {
  return (request, response) => {
    const [, kind, name] = /\/(manifests|blobs)\/([^/?]+)$/.exec(request.url ?? "") ?? [];
    if (kind === "blobs") return void response.writeHead(307, { location: `https://${host}/${name}` }).end();
    const found = kind === "manifests"
      ? name === "latest" ? root : manifests.find(({ digest }) => digest === name)
      : undefined;
    if (!found) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": found.mediaType, "content-length": found.bytes.length }).end(found.bytes);
  };
}

/** Gives the blobs of an image by `/<digest>`. */
export function blobsOf({ blobs }: Image): Answer {
  return (request, response) => {
    const found = blobs.find(({ digest }) => request.url === `/${digest}`);
    if (!found) return void response.writeHead(404).end();
    response.writeHead(200, { "content-length": found.bytes.length }).end(found.bytes);
  };
}
