import { hasCode, SatchelError } from "../error.ts";
import type { Content, PushOptions } from "../content/mod.ts";
import type { Descriptor } from "../oci/mod.ts";
import type { Client } from "./client.ts";
import { hasContent } from "./download.ts";
import type { Exchange } from "./exchange.ts";
import { followUrl } from "./redirect.ts";
import { httpStatus } from "./registry_error.ts";
import { asTransient, pauseBeforeRetry, PROGRESS } from "./retry.ts";
import { mergeScopes, pullScope, type Scope } from "./scope.ts";
import { canStream, type UploadSource, uploadSource } from "./upload_body.ts";

/** Up to this many bytes, a blob is sent from memory. */
const SMALL_BLOB = 64 * 1024;

/** How much goes into one PATCH, in bytes, unless the registry wants more. */
const CHUNK_SIZE = 16 * 1024 * 1024;

/** Where chunks must be in memory (Deno), larger ones are not made, whatever the registry wants, in bytes. */
const MAX_BUFFERED_CHUNK = 256 * 1024 * 1024;

/** The slowest that a registry may hash and store what it was sent before it answers, in bytes per millisecond. */
const SLOWEST_STORAGE = 16 * 1024;

/** An upload session: where the next request of it goes, and how much the registry has. */
interface Session {
  location: URL;
  offset: number;
  chunkSize: number;
}

/** What makes the state of one upload, besides its session. */
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
  let session = mounted ?? await startUpload(upload);
  let chunked = !canStream && descriptor.size > SMALL_BLOB;
  let wasResumed = false;
  let furthest = 0;
  for (let failures = 0;;) {
    try {
      if (chunked) await sendChunks(upload, session);
      else await sendWhole(upload, session);
      return "uploaded";
    } catch (error) {
      if (httpStatus(error) === 413 && reduceChunks(session, chunked)) {
        chunked = true;
        session = { ...await startUpload(upload), chunkSize: session.chunkSize };
        continue;
      }
      const hasProgressed = session.offset - furthest >= PROGRESS;
      failures = hasProgressed ? 1 : failures + 1;
      if (hasProgressed) furthest = session.offset;
      if (wasResumed && httpStatus(error) === 400) {
        // What was sent is right, so what the registry had kept of the broken part is not.
        wasResumed = false;
        session = { ...await startUpload(upload), chunkSize: session.chunkSize };
        continue;
      }
      // 416: the registry stands elsewhere, because it got something of a request that seemed to be lost.
      if (httpStatus(error) === 416) asTransient(error as SatchelError);
      await pauseBeforeRetry(client.policy, failures, error, signal);
      const resumed = await resumeUpload(upload, session);
      if (resumed === "finished") return "uploaded";
      session = resumed;
      wasResumed ||= session.offset > 0;
      chunked ||= session.offset > 0;
    }
  }
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
  if (session.offset <= offset || session.offset > offset + length) {
    throw new SatchelError(
      "registry",
      `${sent.url.host} was sent bytes ${offset} to ${
        offset + length - 1
      } of ${source.descriptor.digest} and says that it has ${session.offset}`,
    );
  }
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
  const stored = sent.response.headers.get("docker-content-digest");
  await sent.read(SMALL_BLOB);
  if (stored !== null && stored !== digest && stored.split(":", 1)[0] === digest.split(":", 1)[0]) {
    throw new SatchelError("integrity", `${sent.url.host} stored ${digest} as another blob`);
  }
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
  return { ...await startUpload(upload), chunkSize: session.chunkSize };
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

/** Whether smaller requests can be tried after a 413: chunks after a whole blob, then once smaller ones. */
function reduceChunks(session: Session, chunked: boolean): boolean {
  if (!chunked) return true;
  if (session.chunkSize <= CHUNK_SIZE / 16) return false;
  session.chunkSize /= 4;
  return true;
}
