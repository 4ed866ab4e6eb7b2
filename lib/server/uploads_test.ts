import assert from "node:assert/strict";
import { Digester, digestOf } from "../oci/mod.ts";
import { type Ask, asking, errorCodes, Shelf } from "./_testing.ts";
import { WritableShelf } from "./_testing_writes.ts";
import type { HandlerOptions } from "./handler.ts";

const NAME = "example.org/demo";
const UPLOADS = `/v2/${NAME}/blobs/uploads/`;

function world(options: Partial<HandlerOptions> = {}): { shelf: Shelf; writes: WritableShelf; ask: Ask } {
  const shelf = new Shelf();
  const writes = new WritableShelf(shelf);
  return { shelf, writes, ask: asking(shelf, { repositories: writes.repositories, ...options }) };
}

async function start(ask: Ask): Promise<string> {
  const response = await ask(UPLOADS, { method: "POST" });
  assert.equal(response.status, 202);
  return response.headers.get("Location")!;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const digest = digestOf(bytesOf("hello world"));

/** A body of these parts, without a length. */
function streamOf(...parts: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(parts.map(bytesOf));
}

function sha512(text: string): string {
  const digester = new Digester("sha512");
  digester.update(bytesOf(text));
  return digester.digest();
}

/** With the length that a runtime would have announced. */
function sized(text: string, headers: Record<string, string> = {}): RequestInit {
  return { body: text, headers: { "Content-Length": String(text.length), ...headers } };
}

Deno.test("end-4a: POST starts an upload, and says where, from where on, and in what chunks", async () => {
  const { ask } = world();
  const { status, headers } = await ask(UPLOADS, { method: "POST" });
  assert.equal(status, 202);
  assert.match(headers.get("Location")!, /^\/v2\/example\.org\/demo\/blobs\/uploads\/[0-9a-f-]{36}$/);
  assert.equal(headers.get("Location")!.split("/").at(-1), headers.get("Docker-Upload-UUID"));
  assert.equal(headers.get("Range"), "0-0");
  assert.equal(headers.get("OCI-Chunk-Min-Length"), "1");
});

Deno.test("end-4b: POST with a digest and a body is the whole push", async () => {
  const { ask, shelf, writes } = world();
  const response = await ask(`${UPLOADS}?digest=${digest}`, { method: "POST", ...sized("hello world") });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("Location"), `/v2/${NAME}/blobs/${digest}`);
  assert.equal(response.headers.get("Docker-Content-Digest"), digest);
  assert.deepEqual(shelf.blobs.get(digest), bytesOf("hello world"));
  assert.equal(writes.uploads.size, 0);
});

Deno.test("end-4b: a body that breaks off, or is another one, leaves nothing behind", async () => {
  const { ask, shelf, writes } = world();
  for (const body of ["hello", "hello earth"]) {
    const init = sized(body, { "Content-Length": "11" });
    const response = await ask(`${UPLOADS}?digest=${digest}`, { method: "POST", ...init });
    assert.equal(response.status, 400);
    assert.deepEqual(await errorCodes(response), [body.length < 11 ? "SIZE_INVALID" : "DIGEST_INVALID"]);
  }
  assert.equal(writes.uploads.size, 0);
  assert.equal(shelf.blobs.size, 0);
});

Deno.test("end-5, end-6: chunks in order, then PUT with the digest", async () => {
  const { ask, shelf } = world();
  const location = await start(ask);
  const first = await ask(location, { method: "PATCH", ...sized("hello", { "Content-Range": "0-4" }) });
  assert.equal(first.status, 202);
  assert.equal(first.headers.get("Range"), "0-4");
  const second = await ask(first.headers.get("Location")!, { method: "PATCH", body: streamOf(" wor", "ld") });
  assert.equal(second.headers.get("Range"), "0-10");
  const end = await ask(`${second.headers.get("Location")}?digest=${digest}`, { method: "PUT" });
  assert.equal(end.status, 201);
  assert.equal(end.headers.get("Location"), `/v2/${NAME}/blobs/${digest}`);
  assert.equal(end.headers.get("Docker-Content-Digest"), digest);
  assert.deepEqual(shelf.blobs.get(digest), bytesOf("hello world"));
});

Deno.test("end-6: the last chunk, or all of it, may come with PUT; also of sha512", async () => {
  const { ask, shelf } = world();
  const location = await start(ask);
  await ask(location, { method: "PATCH", body: "hello" });
  const init = sized(" world", { "Content-Range": "5-10" });
  assert.equal((await ask(`${location}?digest=${digest}`, { method: "PUT", ...init })).status, 201);
  const whole = await start(ask);
  const long = sha512("all of it");
  assert.equal((await ask(`${whole}?digest=${long}`, { method: "PUT", body: "all of it" })).status, 201);
  assert.deepEqual([...shelf.blobs.keys()], [digest, long]);
});

Deno.test("end-5, end-6: a chunk that begins elsewhere is refused with 416 and where it stands, and nothing is lost", async () => {
  const { ask, writes } = world();
  const location = await start(ask);
  await ask(location, { method: "PATCH", ...sized("hello", { "Content-Range": "0-4" }) });
  for (const [method, path] of [["PATCH", location], ["PUT", `${location}?digest=${digest}`]]) {
    for (const range of ["0-5", "4-9", "6-11"]) {
      const response = await ask(path, { method, ...sized(" world", { "Content-Range": range }) });
      assert.equal(response.status, 416, `${method} ${range}`);
      assert.equal(response.headers.get("Range"), "0-4");
      assert.equal(response.headers.get("Location"), location);
      assert.deepEqual(await errorCodes(response), ["BLOB_UPLOAD_INVALID"]);
    }
  }
  assert.equal(writes.uploads.size, 1);
  const stands = await ask(location);
  assert.equal(stands.status, 204);
  assert.equal(stands.headers.get("Range"), "0-4");
});

Deno.test("end-13: what has come is told, and is thrown away on demand", async () => {
  const { ask, writes } = world();
  const location = await start(ask);
  await ask(location, { method: "PATCH", body: "hello" });
  const stands = await ask(location);
  assert.deepEqual([stands.status, stands.headers.get("Range"), stands.headers.get("Location")], [
    204,
    "0-4",
    location,
  ]);
  assert.equal((await ask(location, { method: "DELETE" })).status, 204);
  assert.equal(writes.uploads.size, 0);
  for (const method of ["GET", "PATCH", "PUT", "DELETE"]) {
    const response = await ask(`${location}?digest=${digest}`, { method });
    assert.equal(response.status, 404);
    assert.deepEqual(await errorCodes(response), ["BLOB_UPLOAD_UNKNOWN"]);
  }
});

Deno.test("end-6: another digest than that of the bytes ends the upload; one that is none does not", async () => {
  const { ask, shelf, writes } = world();
  const location = await start(ask);
  await ask(location, { method: "PATCH", body: "hello world" });
  for (const query of ["", "?digest=", "?digest=sha256:abc", `?digest=md5:${"0".repeat(32)}`]) {
    const response = await ask(location + query, { method: "PUT" });
    assert.equal(response.status, 400);
    assert.deepEqual(await errorCodes(response), ["DIGEST_INVALID"]);
  }
  assert.equal(writes.uploads.size, 1);
  const wrong = await ask(`${location}?digest=${digestOf(bytesOf("other"))}`, { method: "PUT" });
  assert.deepEqual([wrong.status, ...await errorCodes(wrong)], [400, "DIGEST_INVALID"]);
  assert.equal(writes.uploads.size, 0);
  assert.equal(shelf.blobs.size, 0);
});

Deno.test("a body that is shorter than announced is kept, but is not the end", async () => {
  const { ask, writes } = world();
  const location = await start(ask);
  const init = sized("hello", { "Content-Length": "11" });
  for (const [method, path] of [["PATCH", location], ["PUT", `${location}?digest=${digest}`]]) {
    const response = await ask(path, { method, ...init });
    assert.deepEqual([response.status, ...await errorCodes(response)], [400, "SIZE_INVALID"]);
  }
  assert.equal((await ask(location)).headers.get("Range"), "0-9");
  assert.equal(writes.uploads.size, 1);
});

Deno.test("of a body that is longer than announced no more than that is taken", async () => {
  const { ask } = world();
  const location = await start(ask);
  const headers = { "Content-Range": "0-4" };
  const response = await ask(location, { method: "PATCH", body: streamOf("hel", "lo world"), headers });
  assert.deepEqual([response.status, ...await errorCodes(response)], [400, "SIZE_INVALID"]);
  assert.equal((await ask(location)).headers.get("Range"), "0-4");
});

Deno.test("a body whose client has gone is kept as far as it came", async () => {
  const { ask } = world();
  const location = await start(ask);
  const body = new ReadableStream(
    {
      pull(controller) {
        if (this.done) controller.error(new Error("reset by peer"));
        else controller.enqueue(bytesOf("hello"));
        this.done = true;
      },
      done: false,
    } as UnderlyingDefaultSource & { done: boolean },
  );
  const response = await ask(location, { method: "PATCH", body });
  assert.deepEqual([response.status, ...await errorCodes(response)], [400, "BLOB_UPLOAD_INVALID"]);
  assert.equal((await ask(location)).headers.get("Range"), "0-4");
});

Deno.test("a body that is silent for too long is ended with 408, and what came is kept", async () => {
  const { ask } = world({ uploadSilence: 5 });
  const location = await start(ask);
  let cancelled = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(bytesOf("hello")),
    pull: () => new Promise(() => {}),
    cancel: () => void (cancelled = true),
  });
  const response = await ask(location, { method: "PATCH", body });
  assert.deepEqual([response.status, ...await errorCodes(response)], [408, "BLOB_UPLOAD_INVALID"]);
  assert.ok(cancelled);
  assert.equal((await ask(location)).headers.get("Range"), "0-4");
});

Deno.test("an upload that gets larger than the limit is refused with 413 and is gone, before any of it is read if it says so", async () => {
  const { ask, writes } = world({ maxUpload: 10 });
  const announced = await ask(`${UPLOADS}?digest=${digest}`, { method: "POST", ...sized("hello world") });
  assert.deepEqual([announced.status, ...await errorCodes(announced)], [413, "SIZE_INVALID"]);
  const location = await start(ask);
  await ask(location, { method: "PATCH", body: "hello" });
  const streamed = await ask(location, { method: "PATCH", body: streamOf(" ", "world") });
  assert.deepEqual([streamed.status, ...await errorCodes(streamed)], [413, "SIZE_INVALID"]);
  assert.equal((await ask(location)).status, 404);
  assert.equal(writes.uploads.size, 0);
  const exact = await start(ask);
  assert.equal((await ask(exact, { method: "PATCH", body: "helloworld" })).status, 202);
});

Deno.test("end-11: a blob that is here is mounted, with or without from; else an upload starts", async () => {
  const { ask, shelf } = world();
  shelf.blob("hello world");
  for (const from of ["", "&from=", "&from=example.org/other"]) {
    const response = await ask(`${UPLOADS}?mount=${digest}${from}`, { method: "POST" });
    assert.equal(response.status, 201);
    assert.equal(response.headers.get("Location"), `/v2/${NAME}/blobs/${digest}`);
  }
  const missing = await ask(`${UPLOADS}?mount=${digestOf(bytesOf("x"))}&from=example.org/other`, { method: "POST" });
  assert.equal(missing.status, 202);
  const invalid = await ask(`${UPLOADS}?mount=sha256:abc`, { method: "POST" });
  assert.deepEqual([invalid.status, ...await errorCodes(invalid)], [400, "DIGEST_INVALID"]);
});

Deno.test("an algorithm that nobody here computes is refused before anything is sent", async () => {
  const { ask } = world();
  for (const algorithm of ["sha256", "sha512"]) {
    assert.equal((await ask(`${UPLOADS}?digest-algorithm=${algorithm}`, { method: "POST" })).status, 202);
  }
  const response = await ask(`${UPLOADS}?digest-algorithm=blake3`, { method: "POST" });
  assert.deepEqual([response.status, ...await errorCodes(response)], [400, "DIGEST_INVALID"]);
});

Deno.test("the registry that a client names in ns stays in what it is to ask next", async () => {
  const { ask } = world();
  const response = await ask("/v2/demo/x/blobs/uploads/?ns=example.org", { method: "POST" });
  const location = response.headers.get("Location")!;
  assert.match(location, /^\/v2\/demo\/x\/blobs\/uploads\/[0-9a-f-]{36}\?ns=example\.org$/);
  const end = await ask(`${location}&digest=${digest}`, { method: "PUT", body: "hello world" });
  assert.equal(end.headers.get("Location"), `/v2/demo/x/blobs/${digest}?ns=example.org`);
});

Deno.test("where nothing can be written, every way to do it is unsupported", async () => {
  const shelf = new Shelf();
  const blob = shelf.blob("hello world");
  const ask = asking(shelf);
  for (
    const [method, path] of [
      ["POST", UPLOADS],
      ["POST", `${UPLOADS}?mount=${blob}&from=x`],
      ...["GET", "PATCH", "PUT", "DELETE"].map((each) => [each, UPLOADS + crypto.randomUUID()]),
      ["PUT", `/v2/${NAME}/manifests/v1`],
      ["DELETE", `/v2/${NAME}/manifests/v1`],
      ["DELETE", `/v2/${NAME}/blobs/${blob}`],
    ]
  ) {
    const response = await ask(path, { method });
    assert.deepEqual([response.status, ...await errorCodes(response)], [405, "UNSUPPORTED"], `${method} ${path}`);
    assert.equal(response.headers.get("Allow"), "GET, HEAD");
  }
});

Deno.test("end-11: where a blob is to come from has to be a name", async () => {
  const { ask, shelf } = world();
  const blob = shelf.blob("there");
  const refused = await ask(`${UPLOADS}?mount=${blob}&from=..%2Fetc`, { method: "POST" });
  assert.deepEqual([refused.status, await errorCodes(refused)], [400, ["NAME_INVALID"]]);
  assert.equal((await ask(`${UPLOADS}?mount=${blob}&from=example.org/other`, { method: "POST" })).status, 201);
});

Deno.test("an upload is the one of an account, or of an address where there are none", async () => {
  const accounts = { check: async (_user: string, password: string) => password === "right" };
  const headers = { Authorization: `Basic ${bytesOf("jane:right").toBase64()}` };
  const asJane = world({ access: { accounts } });
  await asJane.ask(UPLOADS, { method: "POST", headers });
  assert.deepEqual(asJane.writes.owners, ["user jane"]);
  const open = world();
  await start(open.ask);
  assert.deepEqual(open.writes.owners, ["at 192.0.2.1"]);
});
