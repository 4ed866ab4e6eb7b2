import { hasCode, SatchelError } from "../error.ts";
import type { Content, PushOptions } from "../content/mod.ts";
import type { Descriptor } from "../oci/mod.ts";
import { checkStoredDigest } from "./body.ts";
import type { Client } from "./client.ts";
import type { Exchange } from "./exchange.ts";
import { hasContent } from "./exists.ts";
import { followUrl } from "./redirect.ts";
import { httpStatus } from "./registry_error.ts";
import { asTransient, pauseBeforeRetry } from "./retry.ts";
import { mergeScopes, pullScope, type Scope } from "./scope.ts";
import { canStream, type UploadSource, uploadSource } from "./upload_body.ts";

/** Up to this many bytes, a blob is sent from memory. */
const SMALL_BLOB = 64 * 1024;

/**
 * So many bytes, at least, are progress of an upload; of a chunk that is shorter, all of it. A registry that takes a few bytes of
 * each chunk could keep us for ever, and be sent the rest each time.
 */
const PROGRESS = 1024 * 1024;

/** How much goes into one PATCH, in bytes, unless the registry wants more. */
const CHUNK_SIZE = 16 * 1024 * 1024;

/** Where chunks must be in memory (Deno), larger ones are not made, whatever the registry wants, in bytes. */
const MAX_BUFFERED_CHUNK = 256 * 1024 * 1024;

/** The slowest that a registry may hash and store what it was sent before it answers, in bytes per millisecond. */
const SLOWEST_STORAGE = 16 * 1024;

/** An upload session: where the next request of it goes, and how much the registry has. Each chunk that is sent moves it on. */
interface Session {
  location: URL;
  offset: number;
  /** In bytes. */
  readonly chunkSize: number;
}

/** Where an upload stands, between two tries. */
interface State {
  session: Session;
  /** Whether it goes in PATCH chunks rather than in one PUT. */
  chunked: boolean;
  /** Whether the registry has kept a part of a request that broke. */
  resumed: boolean;
  /** How many tries have failed since the last progress. */
  failures: number;
  /** How far that progress went, in bytes. */
  furthest: number;
}

/** What stays the same throughout an upload. */
interface Upload {
  client: Client;
  source: UploadSource;
  scopes: readonly Scope[];
  signal?: AbortSignal;
}

/** How a blob came to be in the repository. */
export type UploadResult = "uploaded" | "mounted";

/**
 * Uploads a blob (distribution-spec 1.1, end-4a to end-6 and end-11): mounted from another repository of the registry
 * if one has it; else in one PUT, or in PATCH chunks where the runtime or the registry cannot do that. An upload that
 * breaks goes on where the registry says it stands, or starts anew.
 *
 * @param mountFrom a repository that is believed to hold the blob
 * @throws {SatchelError} `integrity` if the content is not what the descriptor says; `denied`, `network`, `registry`,
 *   `refused`, `cancelled`
 */
export async function uploadBlob(
  client: Client,
  descriptor: Descriptor,
  content: Content,
  mountFrom: string | undefined,
  { signal }: PushOptions = {},
): Promise<UploadResult> {
  const source = uploadSource(descriptor, content);
  const upload: Upload = { client, source, scopes: client.push, signal };
  const mounted = mountFrom === undefined ? undefined : await tryMount(upload, mountFrom);
  if (mounted === "mounted") return "mounted";
  let state: State = {
    session: mounted ?? await startUpload(upload),
    chunked: !canStream && descriptor.size > SMALL_BLOB,
    resumed: false,
    failures: 0,
    furthest: 0,
  };
  for (;;) {
    try {
      await (state.chunked ? sendChunks : sendWhole)(upload, state.session);
      return "uploaded";
    } catch (error) {
      const next = await afterFailure(upload, state, error);
      if (next === "finished") return "uploaded";
      state = next;
    }
  }
}

/**
 * How an upload goes on after a try that failed, once that may be tried.
 *
 * @returns `finished` if the blob is there after all
 * @throws `error` itself if no other try may mend it
 */
async function afterFailure(upload: Upload, state: State, error: unknown): Promise<State | "finished"> {
  const status = httpStatus(error);
  const smaller = status === 413 ? withSmallerChunks(state.session, state.chunked) : undefined;
  if (smaller) return { ...state, chunked: true, session: await startAnew(upload, smaller) };
  const counted = countFailure(state);
  if (state.resumed && status === 400) {
    // What was sent is right, so what the registry had kept of the broken part is not.
    return { ...counted, resumed: false, session: await startAnew(upload, state.session) };
  }
  // 416: the registry stands elsewhere, because it got something of a request that seemed to be lost.
  if (status === 416) asTransient(error as SatchelError);
  await pauseBeforeRetry(upload.client.policy, counted.failures, error, upload.signal);
  const session = await resumeUpload(upload, state.session);
  if (session === "finished") return "finished";
  const hasPart = session.offset > 0;
  return { ...counted, session, resumed: state.resumed || hasPart, chunked: state.chunked || hasPart };
}

/** One failure more, or the first one since the registry got further. */
function countFailure(state: State): State {
  const { offset } = state.session;
  if (offset - state.furthest < PROGRESS) return { ...state, failures: state.failures + 1 };
  return { ...state, failures: 1, furthest: offset };
}

/** What to try after a 413: chunks after a whole blob, then smaller ones; `undefined` if they are as small as they get. */
function withSmallerChunks(session: Session, chunked: boolean): Session | undefined {
  if (!chunked) return session;
  if (session.chunkSize <= CHUNK_SIZE / 16) return undefined;
  return { ...session, chunkSize: session.chunkSize / 4 };
}

/** `undefined` if the registry would have none of it; a session if it wants the bytes after all. */
async function tryMount(upload: Upload, from: string): Promise<Session | "mounted" | undefined> {
  const { client, source, signal } = upload;
  const url = client.url("blobs/uploads/");
  url.search = `?mount=${encodeURIComponent(source.descriptor.digest)}&from=${encodeURIComponent(from)}`;
  const scopes = mergeScopes(upload.scopes, [pullScope(from)]);
  try {
    return await client.request(
      { method: "POST", url, scopes, accept: [201, 202], signal, headers: { "content-length": "0" } },
      (sent) => sent.response.status === 201 ? "mounted" : sessionOf(sent),
    );
  } catch (error) {
    // A mount only saves time. The account may lack a right on the other repository.
    if (hasCode(error, "cancelled")) throw error;
    return undefined;
  }
}

async function startUpload({ client, scopes, signal }: Upload): Promise<Session> {
  const url = client.url("blobs/uploads/");
  return await client.request(
    { method: "POST", url, scopes, accept: [202], signal, headers: { "content-length": "0" } },
    sessionOf,
  );
}

/** A new session in place of one, with chunks of the same size. */
async function startAnew(upload: Upload, { chunkSize }: Session): Promise<Session> {
  return { ...await startUpload(upload), chunkSize };
}

function sessionOf(sent: Exchange): Session {
  const minimum = Number(sent.response.headers.get("oci-chunk-min-length") ?? 0);
  const chunkSize = Math.max(CHUNK_SIZE, Number.isSafeInteger(minimum) ? minimum : 0);
  if (!canStream && chunkSize > MAX_BUFFERED_CHUNK) {
    throw new SatchelError(
      "registry",
      `${sent.url.host} wants chunks of ${minimum} bytes, the limit is ${MAX_BUFFERED_CHUNK}`,
    );
  }
  return { location: nextLocation(sent), offset: 0, chunkSize };
}

/** One PUT with everything. */
async function sendWhole(upload: Upload, session: Session): Promise<void> {
  const { source } = upload;
  const { size } = source.descriptor;
  if (size <= SMALL_BLOB || !canStream) {
    const bytes = await source.bytes(0, size);
    await finish(upload, session, () => bytes, size);
    return;
  }
  await finish(upload, session, () => source.stream(0, size), size);
}

/** PATCH after PATCH from where the session stands, then an empty PUT. */
async function sendChunks(upload: Upload, session: Session): Promise<void> {
  const { source } = upload;
  const { size } = source.descriptor;
  while (session.offset < size) {
    const length = Math.min(session.chunkSize, size - session.offset);
    await sendChunk(upload, session, length);
  }
  await finish(upload, session, () => new Uint8Array(0), 0);
}

async function sendChunk(upload: Upload, session: Session, length: number): Promise<void> {
  const { client, source, scopes, signal } = upload;
  const { offset } = session;
  const bytes = canStream ? undefined : await source.bytes(offset, length);
  using sent = await client.send({
    method: "PATCH",
    url: session.location,
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(length),
      "content-range": `${offset}-${offset + length - 1}`,
    },
    body: () => bytes ?? source.stream(offset, length),
    scopes,
    accept: [202],
    signal,
  });
  session.location = nextLocation(sent);
  session.offset = receivedBytes(sent) ?? offset + length;
  await sent.read(SMALL_BLOB);
  const progress = session.offset - offset;
  if (progress >= Math.min(PROGRESS, length) && progress <= length) return;
  const last = offset + length - 1;
  const error = new SatchelError(
    "registry",
    `${sent.url.host} was sent bytes ${offset} to ${last} of ${source.descriptor.digest} and says that it has ${session.offset}`,
  );
  throw progress > 0 && progress < length ? asTransient(error) : error;
}

async function finish(
  upload: Upload,
  session: Session,
  body: () => Uint8Array | ReadableStream<Uint8Array>,
  length: number,
): Promise<void> {
  const { client, source, scopes, signal } = upload;
  const { digest, size } = source.descriptor;
  const url = new URL(session.location);
  // By hand: the query is the registry's own state, and must go back to it to the letter.
  url.search = `${url.search === "" ? "?" : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  using sent = await client.send({
    method: "PUT",
    url,
    headers: { "content-type": "application/octet-stream", "content-length": String(length) },
    body,
    scopes,
    accept: [200, 201, 204],
    signal,
    idleTimeout: client.idleTimeout + size / SLOWEST_STORAGE,
  });
  await sent.read(SMALL_BLOB);
  checkStoredDigest(sent, digest);
}

/**
 * Finds out after a break what the registry has (distribution-spec 1.1, end-13), or starts anew.
 *
 * @returns `finished` if the blob is there: the answer was lost, not the request
 */
async function resumeUpload(upload: Upload, session: Session): Promise<Session | "finished"> {
  const { client, source, scopes, signal } = upload;
  const spec = { method: "GET" as const, url: session.location, scopes, accept: [204], signal };
  try {
    const resumed = await client.request(spec, (sent) => {
      const { chunkSize } = session;
      const offset = receivedBytes(sent) ?? 0;
      return offset <= source.descriptor.size ? { location: nextLocation(sent), offset, chunkSize } : undefined;
    });
    if (resumed) return resumed;
  } catch (error) {
    if (hasCode(error, "cancelled")) throw error;
  }
  const { digest } = source.descriptor;
  if (await hasContent(client, `blobs/${digest}`, source.descriptor, {}, signal)) return "finished";
  return await startAnew(upload, session);
}

/** How many bytes a registry has of an upload: `Range: 0-<last>`, in which `0-0` mostly means none and is taken so. */
function receivedBytes({ response }: Exchange): number | undefined {
  const [, last] = /^(?:bytes=)?0-(\d{1,16})$/.exec(response.headers.get("range")?.trim() ?? "") ?? [];
  if (last === undefined) return undefined;
  return last === "0" ? 0 : Number(last) + 1;
}

/** The session's next URL, which may be on another host: credentials are not sent there. */
function nextLocation({ response, url }: Exchange): URL {
  const location = response.headers.get("location");
  if (location === null) {
    throw new SatchelError("registry", `${url.host} accepts an upload without saying where to (Location)`);
  }
  return followUrl(location, url, "an upload's address");
}
