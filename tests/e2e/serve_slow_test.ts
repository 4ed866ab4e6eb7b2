import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { makeGadget, type Scratch, scratchFolder, type Served, startServe, WRITABLE } from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { connectRaw, type RawConnection } from "./serve_raw.ts";

const NAME = "ghcr.io/inspektor-gadget/gadget/trace_open:latest";

/** More than the system keeps on its way to a client that does not read. */
const LARGE = 16 * 1024 * 1024;

/** The shortest silence that a server takes. */
const IMPATIENT = ["--idle-timeout", "1s", ...WRITABLE];

async function storeWithLarge(scratch: Scratch): Promise<{ store: string; digest: string }> {
  const store = scratch.at("store");
  const image = makeGadget({ layerSize: LARGE, architectures: ["amd64"] });
  await writeStore(store, [{ image, name: NAME }]);
  return { store, digest: image.blobs.find(({ bytes }) => bytes.length === LARGE)!.digest };
}

/** Memory of the process, in bytes. */
function residentMemory({ process }: Served): number {
  const status = readFileSync(`/proc/${process.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

/** Where its open files are. */
function openFiles({ process }: Served): string[] {
  return readdirSync(`/proc/${process.pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${process.pid}/fd/${fd}`)];
    } catch {
      return []; // closed meanwhile
    }
  });
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 15_000;
  while (!condition()) {
    assert.ok(performance.now() < end, "it did not come to that");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Sends something every 50 ms until the server has cut the connection, or for as long as anything honest would take. */
async function trickle(connection: RawConnection, text: string): Promise<string> {
  let isOpen = true;
  const answer = connection.receiveUntil(() => false).finally(() => isOpen = false);
  for (let count = 0; isOpen; count++) {
    assert.ok(count < 1200, "the server waits for ever");
    await connection.send(text).catch(() => isOpen = false);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return await answer;
}

Deno.test("headers and bodies that come byte by byte, and connections without any, are cut", async () => {
  await using scratch = await scratchFolder();
  await using served = await startServe({ store: scratch.at("store"), flags: IMPATIENT });
  using silent = await connectRaw(served);
  await silent.send("G");
  using headers = await connectRaw(served);
  await headers.send(`GET /v2/ HTTP/1.1\r\nHost: ${served.host}\r\nX-Slow: `);
  using body = await connectRaw(served);
  const { headers: started } = await served.fetch("/v2/demo/blobs/uploads/", { method: "POST" });
  await body.send(
    `PATCH ${started.get("Location")} HTTP/1.1\r\nHost: ${served.host}\r\nContent-Length: 100000\r\n\r\n`,
  );
  const [, , answer] = await Promise.all([
    silent.receiveUntil(() => false),
    trickle(headers, "a"),
    trickle(body, "a"),
  ]);
  assert.match(answer, /^$|^HTTP\/1\.1 408 /);
  await served.process.waitFor((line) => / "PATCH .*" 408 /.test(line) || undefined);
});

Deno.test("an upload that is slow but goes on is taken whole, however much longer it takes than silence may", async () => {
  await using scratch = await scratchFolder();
  const flags = ["--idle-timeout", "3s", ...WRITABLE];
  await using served = await startServe({ store: scratch.at("store"), flags });
  using body = await connectRaw(served);
  const { headers } = await served.fetch("/v2/demo/blobs/uploads/", { method: "POST" });
  const chunk = "a".repeat(1000);
  const head = `Host: ${served.host}\r\nContent-Length: ${80 * chunk.length}`;
  await body.send(`PATCH ${headers.get("Location")} HTTP/1.1\r\n${head}\r\n\r\n`);
  // 10 kB a second, for longer than it may be silent; a host that is busy for a second or two does no harm.
  for (let count = 0; count < 80; count++) {
    await body.send(chunk);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const answer = await body.receiveUntil((text) => text.includes("\r\n\r\n"));
  assert.match(answer, /^HTTP\/1\.1 202 [^]*\r\nRange: 0-79999\r\n/i);
});

Deno.test("a client that stops to read is cut, one that leaves is let go of: the file is closed each time", async () => {
  await using scratch = await scratchFolder();
  const { store, digest } = await storeWithLarge(scratch);
  await using served = await startServe({ store, flags: ["--idle-timeout", "1s"] });
  const isOpen = () => openFiles(served).some((path) => path.endsWith(digest.slice("sha256:".length)));
  const ask = `GET /v2/demo/blobs/${digest} HTTP/1.1\r\nHost: ${served.host}\r\n\r\n`;
  using stalled = await connectRaw(served);
  await stalled.send(ask);
  await stalled.receive();
  {
    using leaving = await connectRaw(served);
    await leaving.send(ask);
    await leaving.receive();
  }
  await until(() => !isOpen());
  assert.ok((await stalled.receiveUntil(() => false)).length < LARGE);
});

/** 10,000, or what this host allows a process beside its other files. */
function manyConnections(): number {
  const hard = /^Max open files +\d+ +(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))![1];
  return hard === "unlimited" ? 10_000 : Math.min(10_000, Number(hard) - 500);
}

Deno.test("10,000 connections on which nothing is asked keep nobody waiting, and cost little memory", async () => {
  await using scratch = await scratchFolder();
  const { store, digest } = await storeWithLarge(scratch);
  await using served = await startServe({ store, shell: 'ulimit -n "$(ulimit -Hn)"; exec "$@"' });
  using connections = new DisposableStack();
  for (let count = manyConnections(); count > 0; count--) {
    const connection = connections.use(await connectRaw(served));
    if (count % 2) await connection.send("GET /v2/ HTTP/1.1\r\nHo");
  }
  const response = await served.fetch(`/v2/demo/blobs/${digest}`);
  assert.equal((await response.arrayBuffer()).byteLength, LARGE);
  assert.ok(residentMemory(served) < 250_000_000, `${residentMemory(served)} bytes`);
});

Deno.test("without file descriptors it waits, and serves again once it has some", async () => {
  await using scratch = await scratchFolder();
  const { store, digest } = await storeWithLarge(scratch);
  await using served = await startServe({ store, shell: 'ulimit -n 100; exec "$@"' });
  {
    using connections = new DisposableStack();
    for (let count = 0; count < 150; count++) {
      await connections.use(await connectRaw(served)).send("GET /v2/ HTTP/1.1\r\nHo");
    }
    await until(() => openFiles(served).length >= 100);
  }
  const response = await served.fetch(`/v2/demo/blobs/${digest}`);
  assert.equal((await response.arrayBuffer()).byteLength, LARGE);
});

Deno.test("headers that are too large, and requests that two programs could read in two ways, are refused", async () => {
  await using scratch = await scratchFolder();
  await using served = await startServe({ store: scratch.path });
  const requests: [string, RegExp][] = [
    [`X: ${"a".repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ["Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", /^HTTP\/1\.1 400 /],
    ["Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", /^HTTP\/1\.1 400 /],
    ["Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", /^HTTP\/1\.1 400 /],
    ["Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", /^HTTP\/1\.1 400 /],
    ["Content-Length: -1\r\n\r\n", /^HTTP\/1\.1 400 /],
    ["X: a\0b\r\n\r\n", /^HTTP\/1\.1 400 /],
  ];
  for (const [rest, expected] of requests) {
    using connection = await connectRaw(served);
    await connection.send(`POST /v2/ HTTP/1.1\r\nHost: ${served.host}\r\n${rest}`);
    // The connection is ended as well: what follows belongs to nobody.
    assert.match(await connection.receiveUntil(() => false), expected, rest.slice(0, 60));
  }
  using old = await connectRaw(served);
  await old.send("GET /v2/ HTTP/1.0\r\n\r\n");
  assert.match(await old.receiveUntil(() => false), /^HTTP\/1\.1 200 /);
});

Deno.test("a client that sends thousands of requests without waiting for answers is ended, and keeps nobody waiting", async () => {
  await using scratch = await scratchFolder();
  await using served = await startServe({ store: scratch.path });
  using flood = await connectRaw(served);
  const count = 5000;
  const request = `GET /v2/_catalog HTTP/1.1\r\nHost: ${served.host}\r\n`;
  const all = `${`${request}\r\n`.repeat(count - 1)}${request}Connection: close\r\n\r\n`;
  const sent = flood.send(all).catch(() => {});
  const answers = await flood.receiveUntil(() => false);
  await sent;
  assert.ok(answers.split("HTTP/1.1 200 ").length - 1 < count);
  assert.equal((await served.fetch("/v2/")).status, 200);
});
