import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { makeGadget, satchelSucceeds, scratchFolder, type Served, startServe, WRITABLE } from "../harness/mod.ts";
import { assertClean, push, startWorld, unfinished } from "./serve_writes.ts";

// The runtime's own side of uploads: bodies as they come from a socket. What is answered to what is tested in lib/server.

const REPOSITORY = "/v2/example.org/demo";

function digestOf(bytes: Uint8Array, algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

function random(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, size)));
  return bytes;
}

async function expect(response: Response, status: number): Promise<Response> {
  const body = await response.text();
  assert.equal(response.status, status, body);
  return new Response(status === 204 ? null : body, response);
}

async function start(served: Served): Promise<string> {
  const started = await expect(await served.fetch(`${REPOSITORY}/blobs/uploads/`, { method: "POST" }), 202);
  return started.headers.get("Location")!;
}

async function assertServed(served: Served, bytes: Uint8Array, algorithm?: string): Promise<void> {
  const response = await served.fetch(`${REPOSITORY}/blobs/${digestOf(bytes, algorithm)}`);
  assert.equal(response.status, 200);
  assert.deepEqual(await response.bytes(), bytes);
}

/** Sends a request by hand, and closes the connection without waiting for an answer. */
async function sendAndLeave({ host }: Served, lines: readonly string[], body: Uint8Array): Promise<void> {
  const [hostname, port] = host.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode([...lines, `Host: ${host}`, "", ""].join("\r\n")));
  await writer.write(body);
  await writer.close();
  // The server closes it once it has noticed.
  await connection.readable.pipeTo(new WritableStream()).catch(() => {});
}

/** As docker does: one PATCH without a length, then an empty PUT. */
async function pushStreamed(served: Served, bytes: Uint8Array): Promise<void> {
  const location = await start(served);
  const body = new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += 100_000) controller.enqueue(bytes.slice(at, at + 100_000));
      controller.close();
    },
  });
  const patched = await expect(await served.fetch(location, { method: "PATCH", body }), 202);
  assert.equal(patched.headers.get("Range"), `0-${bytes.length - 1}`);
  const next = patched.headers.get("Location")!;
  const put = await expect(await served.fetch(`${next}?digest=${digestOf(bytes)}`, { method: "PUT" }), 201);
  assert.equal(put.headers.get("Docker-Content-Digest"), digestOf(bytes));
}

Deno.test("a blob comes whole, in chunks or streamed, of sha256 and of sha512, and is served as it came", async () => {
  await using world = await startWorld();
  const { served, store } = world;
  const whole = random(3_000_000);
  const url = `${REPOSITORY}/blobs/uploads/?digest=${digestOf(whole)}`;
  const created = await expect(await served.fetch(url, { method: "POST", body: whole }), 201);
  assert.equal(created.headers.get("Location"), `${REPOSITORY}/blobs/${digestOf(whole)}`);
  await assertServed(served, whole);

  const streamed = random(2_500_000);
  await pushStreamed(served, streamed);
  await assertServed(served, streamed);

  const long = random(1_000_000);
  let location = await start(served);
  for (let at = 0; at < long.length; at += 300_000) {
    const body = long.slice(at, at + 300_000);
    const headers = { "Content-Range": `${at}-${at + body.length - 1}` };
    location = (await expect(await served.fetch(location, { method: "PATCH", body, headers }), 202)).headers
      .get("Location")!;
  }
  await expect(await served.fetch(`${location}?digest=${digestOf(long, "sha512")}`, { method: "PUT" }), 201);
  await assertServed(served, long, "sha512");
  await assertClean(store, ["stray"]);
  assert.deepEqual(unfinished(store), []);
});

Deno.test("an upload goes on where it stood after its server was killed, and its bytes are hashed anew", async () => {
  await using world = await startWorld();
  const { served, store } = world;
  const bytes = random(2_000_000);
  const location = await start(served);
  await expect(await served.fetch(location, { method: "PATCH", body: bytes.slice(0, 700_000) }), 202);
  served.process.kill("SIGKILL");
  await served.process.status;

  await using second = await startServe({ store, flags: WRITABLE });
  const stands = await expect(await second.fetch(location), 204);
  assert.equal(stands.headers.get("Range"), "0-699999");
  const headers = { "Content-Range": `700000-${bytes.length - 1}` };
  const body = bytes.slice(700_000);
  await expect(await second.fetch(location, { method: "PATCH", body, headers }), 202);
  await expect(await second.fetch(`${location}?digest=${digestOf(bytes)}`, { method: "PUT" }), 201);
  await assertServed(second, bytes);
});

Deno.test("of a body that breaks off what came is kept, and the upload can be ended with the rest", async () => {
  await using world = await startWorld();
  const { served, store } = world;
  const bytes = random(500_000);
  const location = await start(served);
  const part = bytes.slice(0, 200_000);
  await sendAndLeave(served, [`PATCH ${location} HTTP/1.1`, `Content-Length: ${bytes.length}`], part);
  await served.process.waitFor((line) => /PATCH .* 4\d\d/.test(line) || undefined);
  const stands = await expect(await served.fetch(location), 204);
  assert.equal(stands.headers.get("Range"), "0-199999");

  // The same with the last chunk, which would else be taken for the end.
  const url = `${location}?digest=${digestOf(bytes)}`;
  const rest = bytes.slice(200_000, 300_000);
  await sendAndLeave(served, [`PUT ${url} HTTP/1.1`, `Content-Length: 300000`], rest);
  await served.process.waitFor((line) => /PUT .* 4\d\d/.test(line) || undefined);
  assert.equal((await expect(await served.fetch(location), 204)).headers.get("Range"), "0-299999");
  await expect(await served.fetch(url, { method: "PUT", body: bytes.slice(300_000) }), 201);
  await assertServed(served, bytes);
  assert.deepEqual(unfinished(store), []);
});

Deno.test("what has another digest than was said is gone, and was never served", async () => {
  await using world = await startWorld();
  const { served, store } = world;
  const bytes = random(1_000_000);
  const location = await start(served);
  const wrong = digestOf(random(10));
  const refused = await expect(
    await served.fetch(`${location}?digest=${wrong}`, { method: "PUT", body: bytes }),
    400,
  );
  assert.equal((await refused.json()).errors[0].code, "DIGEST_INVALID");
  await expect(await served.fetch(location), 404);
  for (const digest of [wrong, digestOf(bytes)]) {
    assert.equal((await served.fetch(`${REPOSITORY}/blobs/${digest}`, { method: "HEAD" })).status, 404);
  }
  assert.deepEqual(unfinished(store), []);
});

Deno.test("a blob that is larger than --max-upload is refused, announced or not, and nothing of it stays", async () => {
  await using world = await startWorld(["--max-upload", "1MB"]);
  const { served, store } = world;
  const bytes = random(1_000_001);
  const url = `${REPOSITORY}/blobs/uploads/?digest=${digestOf(bytes)}`;
  const refused = await expect(await served.fetch(url, { method: "POST", body: bytes }), 413);
  assert.equal((await refused.json()).errors[0].code, "SIZE_INVALID");
  const location = await start(served);
  await expect(await served.fetch(location, { method: "PATCH", body: bytes.slice(0, 900_000) }), 202);
  const body = ReadableStream.from([bytes.slice(900_000)]);
  await expect(await served.fetch(location, { method: "PATCH", body }), 413);
  await expect(await served.fetch(location), 404);
  await pushStreamed(served, bytes.slice(1));
  assert.deepEqual(unfinished(store), []);
});

Deno.test("clients that push the same blob and the same image at the same time all succeed", async () => {
  await using world = await startWorld();
  const { served, store } = world;
  const gadget = makeGadget({ layerSize: 300_000 });
  const shared = random(700_000);
  await Promise.all([
    ...Array.from({ length: 8 }, () => pushStreamed(served, shared)),
    ...Array.from({ length: 8 }, (_, at) => push(world, `example.org/r${at % 3}`, `v${at}`, gadget)),
  ]);
  await assertServed(served, shared);
  assert.deepEqual(unfinished(store), []);
  await assertClean(store, ["stray"]);
});

Deno.test("a blob that one repository has is mounted in another, and what nobody has starts an upload", async () => {
  await using world = await startWorld();
  const { served } = world;
  const bytes = random(1000);
  await pushStreamed(served, bytes);
  const mount = (digest: string, from = "") =>
    served.fetch(`/v2/other.org/demo/blobs/uploads/?mount=${digest}${from}`, { method: "POST" });
  const mounted = await expect(await mount(digestOf(bytes), "&from=example.org/demo"), 201);
  assert.equal(mounted.headers.get("Location"), `/v2/other.org/demo/blobs/${digestOf(bytes)}`);
  await expect(await mount(digestOf(bytes)), 201);
  const started = await expect(await mount(digestOf(random(10)), "&from=example.org/demo"), 202);
  assert.match(started.headers.get("Location")!, /^\/v2\/other\.org\/demo\/blobs\/uploads\/[0-9a-f-]{36}$/);
});

Deno.test("store gc leaves an upload alone while it is young, and removes one that was abandoned", async () => {
  await using world = await startWorld();
  const { served, store } = world;
  const location = await start(served);
  await expect(await served.fetch(location, { method: "PATCH", body: random(1000) }), 202);
  await satchelSucceeds(["store", "gc"], { store });
  await expect(await served.fetch(location), 204);
  await satchelSucceeds(["store", "gc", "--min-age", "0s"], { store });
  await expect(await served.fetch(location), 404);
  assert.deepEqual(unfinished(store), []);
});

Deno.test("an upload of which a part could not be written can be ended as it stands", async () => {
  await using scratch = await scratchFolder();
  const shell = `trap '' XFSZ; ulimit -f 2000; exec "$@"`;
  await using served = await startServe({ store: scratch.at("store"), flags: WRITABLE, shell });
  const location = await start(served);
  const bytes = random(3_000_000);
  const patch = (body: Uint8Array<ArrayBuffer>) => served.fetch(location, { method: "PATCH", body });
  await expect(await patch(bytes), 500);
  const state = await expect(await served.fetch(location), 204);
  const size = Number(/^0-(\d+)$/.exec(state.headers.get("Range")!)![1]) + 1;
  // Hashes what is there, so that it is known from then on; then nothing of the next part can be written.
  await expect(await patch(new Uint8Array()), 202);
  await expect(await patch(random(10)), 500);
  const whole = bytes.slice(0, size);
  await expect(await served.fetch(`${location}?digest=${digestOf(whole)}`, { method: "PUT" }), 201);
  await assertServed(served, whole);
});
