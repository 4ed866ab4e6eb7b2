import type { IncomingMessage, ServerResponse } from "node:http";
import { concatBytes } from "../content/mod.ts";
import { digestOf, isDigest } from "../oci/mod.ts";
import { answer, bodyOf, serve, type TestServer } from "./_server.ts";

/** What a {@link FakeRegistry} holds and how it behaves; tests change it while it runs. */
export interface FakeState {
  blobs: Map<string, Uint8Array>;
  /** By tag and by digest, with the media type. */
  manifests: Map<string, { type: string; bytes: Uint8Array }>;
  uploads: Map<string, Uint8Array>;
  /** Looks at a request first; `true` if it has dealt with it. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
  /** `OCI-Chunk-Min-Length`. */
  chunkMinimum?: number;
  /** Lists referrers itself. */
  referrersApi?: boolean;
  /** Gives ETags and heeds If-Match. */
  etags?: boolean;
}

/** A registry in memory that does what the distribution specification says, for repositories of any name. */
export interface FakeRegistry extends TestServer {
  state: FakeState;
}

export async function fakeRegistry(options: Partial<FakeState> = {}): Promise<FakeRegistry> {
  const state: FakeState = { blobs: new Map(), manifests: new Map(), uploads: new Map(), ...options };
  const server = await serve(async (request, response) => {
    if (await state.intercept?.(request, response)) return;
    const url = new URL(request.url ?? "", "http://registry");
    const [, endpoint, name] =
      /^\/v2\/team\/\w+\/(blobs\/uploads|blobs|manifests|referrers)\/(.*)$/.exec(url.pathname) ??
        [];
    if (endpoint === "blobs/uploads") return await upload(state, request, response, url, name);
    if (endpoint === "blobs") return send(response, state.blobs.get(name));
    if (endpoint === "manifests") return await manifest(state, request, response, name);
    if (endpoint === "referrers" && state.referrersApi) return listReferrers(state, response, name);
    answer(response, 404, {}, '{"errors":[{"code":"NAME_UNKNOWN"}]}');
  });
  return { ...server, state };
}

function send(
  response: ServerResponse,
  bytes: Uint8Array | undefined,
  headers: Record<string, string | undefined> = {},
): void {
  if (bytes) answer(response, 200, headers, bytes);
  else answer(response, 404, {}, '{"errors":[{"code":"BLOB_UNKNOWN"}]}');
}

async function upload(
  state: FakeState,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  id: string,
): Promise<void> {
  const { method } = request;
  if (method === "POST") {
    const mount = url.searchParams.get("mount");
    if (mount !== null && state.blobs.has(mount)) {
      return answer(response, 201, { location: `/v2/team/app/blobs/${mount}` });
    }
    // Of several at the same time, some may have ended.
    let number = 0;
    while (state.uploads.has(`u${number}`)) number++;
    const session = `u${number}`;
    state.uploads.set(session, new Uint8Array(0));
    return answer(response, 202, {
      location: `${url.pathname}${session}?_state=a%2Fb==&c=d+e`,
      "oci-chunk-min-length": state.chunkMinimum?.toString(),
    });
  }
  const had = state.uploads.get(id);
  // What a registry gave in Location comes back to the letter.
  if (!had || !url.search.startsWith("?_state=a%2Fb==&c=d+e")) return answer(response, 404, {}, '{"errors":[]}');
  const headers = { location: `${id}?_state=a%2Fb==&c=d+e`, range: `0-${Math.max(had.length - 1, 0)}` };
  if (method === "GET") return answer(response, 204, headers);
  const range = request.headers["content-range"];
  if (method === "PATCH" && !range?.startsWith(`${had.length}-`)) {
    request.resume().on("end", () => answer(response, 416, headers));
    return;
  }
  const parts = [had];
  try {
    for await (const chunk of request) parts.push(chunk);
  } finally {
    state.uploads.set(id, concatBytes(parts));
  }
  const bytes = concatBytes(parts);
  if (method === "PATCH") {
    return answer(response, 202, { ...headers, range: `0-${bytes.length - 1}` });
  }
  const digest = url.searchParams.get("digest") ?? "";
  if (digestOf(bytes) !== digest) {
    return answer(response, 400, {}, '{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}');
  }
  state.blobs.set(digest, bytes);
  state.uploads.delete(id);
  answer(response, 201, { "docker-content-digest": digest });
}

async function manifest(
  state: FakeState,
  request: IncomingMessage,
  response: ServerResponse,
  reference: string,
): Promise<void> {
  const had = state.manifests.get(reference);
  const etag = (bytes: Uint8Array) => state.etags ? { etag: `"${digestOf(bytes)}"` } : {};
  if (request.method !== "PUT") {
    if (!had) return answer(response, 404, {}, '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    return send(response, had.bytes, { "content-type": had.type, ...etag(had.bytes) });
  }
  const bytes = await bodyOf(request);
  const now = state.manifests.get(reference);
  const condition = request.headers["if-match"];
  if (state.etags && condition !== undefined && (!now || condition !== etag(now.bytes).etag)) {
    return answer(response, 412);
  }
  const stored = { type: request.headers["content-type"] ?? "", bytes };
  state.manifests.set(reference, stored);
  state.manifests.set(digestOf(bytes), stored);
  const { subject } = JSON.parse(new TextDecoder().decode(bytes));
  answer(response, 201, {
    "docker-content-digest": digestOf(bytes),
    "oci-subject": state.referrersApi ? subject?.digest : undefined,
  });
}

function listReferrers(state: FakeState, response: ServerResponse, subject: string): void {
  const manifests = [...state.manifests].filter(([reference]) => isDigest(reference)).flatMap(([digest, stored]) => {
    const json = JSON.parse(new TextDecoder().decode(stored.bytes));
    if (json.subject?.digest !== subject) return [];
    const { artifactType, annotations } = json;
    return [{ mediaType: stored.type, digest, size: stored.bytes.length, artifactType, annotations }];
  });
  const type = "application/vnd.oci.image.index.v1+json";
  const body = JSON.stringify({ schemaVersion: 2, mediaType: type, manifests });
  answer(response, 200, { "content-type": type }, body);
}
