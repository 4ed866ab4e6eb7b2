import assert from "node:assert/strict";
import { scratchFolder, type Served, startServe, WRITABLE } from "../harness/mod.ts";

import type { Content, Pushable } from "./content.ts";

/** An answer, read to its end. */
export interface Answer {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
  /** Its body as JSON. */
  // deno-lint-ignore no-explicit-any -- what it is like is what the tests look at
  json(): any;
  /** The codes of its errors. */
  codes(): string[];
}

/** A request beside its method and path. */
export interface Asked {
  headers?: Record<string, string>;
  body?: BodyInit;
}

/** The registry that a clause is tested with. */
export interface Registry {
  served: Served;
  store: string;
  /** Asks for a path, or for a URL that an earlier answer named; every answer is held against what holds for all of them. */
  ask(method: string, path: string, asked?: Asked): Promise<Answer>;
}

/** Registers a test of a clause, with an empty registry of its own that may be written to. */
export function clause(title: string, test: (registry: Registry) => Promise<void>): void {
  Deno.test(title, () => withRegistry(WRITABLE, test));
}

/** Serves an empty store. */
export async function withRegistry(
  flags: readonly string[],
  use: (registry: Registry) => Promise<void>,
): Promise<void> {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  await using served = await startServe({ store, flags });
  await use({ served, store, ask: (method, path, asked) => ask(served, method, path, asked) });
}

async function ask(served: Served, method: string, path: string, asked: Asked = {}): Promise<Answer> {
  const response = await served.fetch(path, { method, redirect: "manual", ...asked });
  const bytes = await response.bytes();
  const { status, headers } = response;
  const json = () => JSON.parse(new TextDecoder().decode(bytes));
  const answer: Answer = {
    status,
    headers,
    bytes,
    json,
    codes: () => json().errors.map(({ code }: { code: string }) => code),
  };
  holds(`${method} ${path}`, answer);
  return answer;
}

/** The codes of "Error Codes". */
export const CODES = [
  ...["BLOB_UNKNOWN", "BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN", "DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN"],
  ...["MANIFEST_INVALID", "MANIFEST_UNKNOWN", "NAME_INVALID", "NAME_UNKNOWN", "SIZE_INVALID", "UNAUTHORIZED", "DENIED"],
  ...["UNSUPPORTED", "TOOMANYREQUESTS"],
];

/** What "Error Codes" and "Warnings" say of all answers, and that the registry is never at fault. */
function holds(request: string, { status, headers, bytes, json }: Answer): void {
  assert.ok(status < 500, `${request}: ${status} ${new TextDecoder().decode(bytes)}`);
  const warning = headers.get("Warning");
  if (warning !== null) assert.match(warning, /^299 - "[^"]*"(, 299 - "[^"]*")*$/);
  if (status < 400 || bytes.length === 0) return;
  assert.match(headers.get("Content-Type") ?? "", /^application\/json\b/, request);
  const { errors } = json();
  assert.ok(Array.isArray(errors) && errors.length > 0, request);
  for (const { code, message = "" } of errors) {
    assert.ok(CODES.includes(code), `${request}: ${code}`);
    assert.equal(typeof message, "string");
  }
}

/** Insists on a status. */
export async function expect(status: number | readonly number[], answering: Promise<Answer>): Promise<Answer> {
  const answer = await answering;
  const body = () => new TextDecoder().decode(answer.bytes.subarray(0, 1000));
  assert.ok([status].flat().includes(answer.status), `${answer.status} instead of ${status}: ${body()}`);
  return answer;
}

/** Where an answer leads to. */
export function locationOf({ headers }: Answer): string {
  const location = headers.get("Location");
  assert.ok(location, "there is no Location");
  return location;
}

/** A location with the digest in its query; it may have a query already, which has to stay. */
export function withDigest(location: string, digest: string): string {
  return `${location}${location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(digest)}`;
}

/** The header `Content-Range` of a chunk. */
export function rangeOf(start: number, chunk: Uint8Array): { "Content-Range": string } {
  return { "Content-Range": `${start}-${start + chunk.length - 1}` };
}

/** What clients say of a blob's bytes. */
export const OCTETS = { "Content-Type": "application/octet-stream" };

/** Starts an upload (end-4a), and returns where it goes on. */
export async function startUpload({ ask }: Registry, repository: string): Promise<string> {
  return locationOf(await expect(202, ask("POST", `/v2/${repository}/blobs/uploads/`)));
}

/** Pushes a blob: end-4a, end-6. */
export async function pushBlob(registry: Registry, repository: string, { digest, bytes }: Content): Promise<Answer> {
  const location = await startUpload(registry, repository);
  return await expect(
    201,
    registry.ask("PUT", withDigest(location, digest), { headers: OCTETS, body: bytes }),
  );
}

/** Asks to take in a manifest: end-7. */
export function putManifest({ ask }: Registry, repository: string, reference: string, root: Content): Promise<Answer> {
  const headers = { "Content-Type": root.mediaType };
  return ask("PUT", `/v2/${repository}/manifests/${reference}`, { headers, body: root.bytes });
}

/** Pushes all of something, and names it; without a tag by its digest. */
export async function push(registry: Registry, repository: string, pushed: Pushable, tag?: string): Promise<Answer> {
  for (const blob of pushed.blobs) await pushBlob(registry, repository, blob);
  for (const manifest of pushed.manifests) {
    await expect(201, putManifest(registry, repository, manifest.digest, manifest));
  }
  return await expect(201, putManifest(registry, repository, tag ?? pushed.root.digest, pushed.root));
}

/** Checks that a manifest is there under a reference, byte for byte. */
export async function assertManifest(registry: Registry, repository: string, reference: string, root: Content) {
  const answer = await expect(200, registry.ask("GET", `/v2/${repository}/manifests/${reference}`));
  assert.deepEqual(answer.bytes, root.bytes);
  assert.equal(answer.headers.get("Content-Type"), root.mediaType);
}

/** Checks that a blob is there, byte for byte. */
export async function assertBlob({ ask }: Registry, path: string, { bytes }: Content): Promise<void> {
  assert.deepEqual((await expect(200, ask("GET", path))).bytes, bytes);
}
