import assert from "node:assert/strict";
import { makeGadget, type Scratch, scratchFolder, type Served, startServe } from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { connectRaw, type RawConnection } from "./serve_raw.ts";

const NAME = "ghcr.io/inspektor-gadget/gadget/trace_open:latest";

/** More than the system keeps on its way to a client that does not read. */
const LARGE = 16 * 1024 * 1024;

/** A server whose largest blob, whose digest this is, takes a client that reads it. */
async function startWithLarge(scratch: Scratch): Promise<{ served: Served; digest: string }> {
  const store = scratch.at("store");
  const image = makeGadget({ layerSize: LARGE, architectures: ["amd64"] });
  await writeStore(store, [{ image, name: NAME }]);
  const served = await startServe({ store, flags: ["--writable", "--allow-anonymous-push"] });
  return { served, digest: image.blobs.find(({ bytes }) => bytes.length === LARGE)!.digest };
}

/** Asks for the blob, and reads only how the answer begins. */
async function startDownload(served: Served, digest: string): Promise<{ connection: RawConnection; received: number }> {
  const connection = await connectRaw(served);
  await connection.send(`GET /v2/demo/blobs/${digest} HTTP/1.1\r\nHost: ${served.host}\r\n\r\n`);
  const text = await connection.receiveUntil((text) => text.includes("\r\n\r\n"));
  return { connection, received: text.length - text.indexOf("\r\n\r\n") - 4 };
}

async function startUpload(served: Served, length: number): Promise<RawConnection> {
  const started = await served.fetch("/v2/demo/blobs/uploads/", { method: "POST" });
  assert.equal(started.status, 202);
  const connection = await connectRaw(served);
  const location = started.headers.get("Location");
  await connection.send(`PATCH ${location} HTTP/1.1\r\nHost: ${served.host}\r\nContent-Length: ${length}\r\n\r\nhello`);
  return connection;
}

/** Whether somebody still listens there. */
async function isListening({ host }: Served): Promise<boolean> {
  try {
    using _connection = await connectRaw({ host });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`at ${signal} an open download and an open upload go on to their ends, and nobody new is let in`, async () => {
    await using scratch = await scratchFolder();
    const { served, digest } = await startWithLarge(scratch);
    await using _served = served;
    const download = await startDownload(served, digest);
    using connection = download.connection;
    using upload = await startUpload(served, 11);
    served.process.kill(signal);
    await served.process.waitFor((line) => line.startsWith("Ending") || undefined);
    assert.equal(await isListening(served), false);
    await upload.send(" world");
    const answer = await upload.receiveUntil((text) => text.includes("\r\n\r\n"));
    assert.match(answer, /^HTTP\/1\.1 202 [^]*\r\nRange: 0-10\r\n/i);
    let { received } = download;
    while (received < LARGE) {
      const more = await connection.receive();
      assert.notEqual(more, undefined, `it ended after ${received} bytes`);
      received += more!.length;
    }
    assert.equal((await served.process.status).code, 0);
  });
}

Deno.test("an upload that goes on for a while after the signal is taken whole", async () => {
  await using scratch = await scratchFolder();
  await using served = await startServe({ store: scratch.path, flags: ["--writable", "--allow-anonymous-push"] });
  const chunks = 20;
  using upload = await startUpload(served, 5 + chunks);
  served.process.kill("SIGTERM");
  await served.process.waitFor((line) => line.startsWith("Ending") || undefined);
  // Longer than connections on which nothing is asked are left alone.
  for (let count = 0; count < chunks; count++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await upload.send(".");
  }
  const answer = await upload.receiveUntil((text) => text.includes("\r\n\r\n"));
  assert.match(answer, /^HTTP\/1\.1 202 [^]*\r\nRange: 0-24\r\n/i);
  assert.equal((await served.process.status).code, 0);
});

Deno.test("what is still open ten seconds after the signal is cut, and the status is 0", async () => {
  await using scratch = await scratchFolder();
  const { served, digest } = await startWithLarge(scratch);
  await using _served = served;
  const download = await startDownload(served, digest);
  using connection = download.connection;
  using upload = await startUpload(served, 1000);
  served.process.kill("SIGTERM");
  assert.equal((await served.process.status).code, 0);
  assert.equal(await upload.receiveUntil(() => false), "");
  assert.ok((await connection.receiveUntil(() => false)).length < LARGE);
  assert.ok(served.process.lines.includes("Ended with 2 transfers open"), served.process.lines.join("\n"));
});

Deno.test("connections on which nothing is asked do not keep it from ending", async () => {
  await using scratch = await scratchFolder();
  await using served = await startServe({ store: scratch.path });
  using idle = await connectRaw(served);
  // Without a byte of it, the system may not have told the server yet that there is a connection.
  await idle.send("GET /v2/ HT");
  using kept = await connectRaw(served);
  await kept.send(`GET /v2/ HTTP/1.1\r\nHost: ${served.host}\r\n\r\n`);
  await kept.receiveUntil((text) => text.endsWith("{}"));
  served.process.kill("SIGTERM");
  assert.equal(await idle.receive(), undefined);
  assert.equal((await served.process.status).code, 0);
  assert.ok(!served.process.lines.some((line) => line.startsWith("Ending")));
});

Deno.test("a second signal ends it at once", async () => {
  await using scratch = await scratchFolder();
  const { served, digest } = await startWithLarge(scratch);
  await using _served = served;
  const download = await startDownload(served, digest);
  using _connection = download.connection;
  served.process.kill("SIGTERM");
  await served.process.waitFor((line) => line.startsWith("Ending") || undefined);
  served.process.kill("SIGTERM");
  assert.equal((await served.process.status).code, 130);
});
