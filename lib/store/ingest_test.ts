import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Content } from "../content/mod.ts";
import { hasCode, SatchelError } from "../error.ts";
import { type Descriptor, digestHex, digestOf } from "../oci/mod.ts";
import { acquireLock } from "../runtime/mod.ts";
import { blobFile, ref, scratch } from "./_testing.ts";

const BYTES = new Uint8Array(300_000).map((_, at) => (at * 31) >> 3);
const BLOB: Descriptor = { mediaType: "application/octet-stream", digest: digestOf(BYTES), size: BYTES.length };

/** Content in chunks of 64 KiB that remembers where it was opened, and may break or lie. */
function content({ bytes = BYTES, breakAt = Infinity, error = new SatchelError("network", "the line broke") } = {}) {
  const opened: number[] = [];
  const made: Content = {
    async *open(offset = 0) {
      opened.push(offset);
      for (let at = offset; at < bytes.length; at += 65_536) {
        if (at >= breakAt) throw error;
        yield bytes.subarray(at, at + 65_536);
      }
    },
  };
  return { ...made, opened };
}

async function open() {
  const made = scratch();
  const target = made.open().repository(ref("foo"));
  await target.prepare();
  const partial = join(made.path, "ingest", `${digestHex(BLOB.digest)}.partial`);
  const ingest = () => readdirSync(join(made.path, "ingest"));
  return { made, target, partial, ingest, [Symbol.dispose]: () => made[Symbol.dispose]() };
}

Deno.test("content lands whole under its digest, and nothing is left beside it", async () => {
  using store = await open();
  await store.target.push(BLOB, content());
  assert.deepEqual(new Uint8Array(readFileSync(blobFile(store.made.path, BLOB.digest))), BYTES);
  assert.deepEqual(store.ingest(), []);
  assert.equal(await store.target.has(BLOB), true);
});

Deno.test("empty content is content", async () => {
  using store = await open();
  const empty = { mediaType: BLOB.mediaType, digest: digestOf(new Uint8Array()), size: 0 };
  await store.target.push(empty, content({ bytes: new Uint8Array() }));
  assert.equal(await store.target.has(empty), true);
});

Deno.test("a sha512 digest has a folder of its own", async () => {
  using store = await open();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-512", BYTES));
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const blob: Descriptor = { ...BLOB, digest: `sha512:${hex}` };
  await store.target.push(blob, content());
  assert.ok(existsSync(join(store.made.path, "blobs/sha512", hex)));
  assert.equal(await store.target.has(blob), true);
});

Deno.test("a transfer that broke goes on where it stopped", async () => {
  using store = await open();
  await assert.rejects(store.target.push(BLOB, content({ breakAt: 131_072 })), (error) => hasCode(error, "network"));
  assert.equal(existsSync(blobFile(store.made.path, BLOB.digest)), false);
  assert.equal(readFileSync(store.partial).length, 131_072);
  const second = content();
  const resumed: number[] = [];
  await store.target.push(BLOB, second, { onResumed: (bytes) => resumed.push(bytes) });
  assert.deepEqual([second.opened, resumed], [[131_072], [131_072]]);
  assert.equal(await store.target.has(BLOB), true);
  assert.deepEqual(store.ingest(), []);
});

Deno.test("an interrupted transfer is kept, too", async () => {
  using store = await open();
  const controller = new AbortController();
  const source = content();
  const openWhole = source.open;
  source.open = async function* (offset) {
    for await (const chunk of openWhole(offset)) {
      yield chunk;
      controller.abort();
    }
  };
  await assert.rejects(
    store.target.push(BLOB, source, { signal: controller.signal }),
    (error) => hasCode(error, "cancelled"),
  );
  assert.equal(readFileSync(store.partial).length, 65_536);
});

Deno.test("a transfer that is stopped because another one filled the disk leaves nothing", async () => {
  using store = await open();
  const controller = new AbortController();
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  const stopped: Content = {
    async *open() {
      yield BYTES.subarray(0, 65_536);
      controller.abort(new SatchelError("storage", "the disk is full", { cause: full }));
      throw new SatchelError("cancelled", "stopped");
    },
  };
  const { signal } = controller;
  await assert.rejects(store.target.push(BLOB, stopped, { signal }), (error) => hasCode(error, "cancelled"));
  assert.deepEqual(store.ingest(), []);
});

Deno.test("a kept part that is complete needs no transfer at all", async () => {
  using store = await open();
  mkdirSync(join(store.made.path, "ingest"), { recursive: true });
  writeFileSync(store.partial, BYTES);
  const source = content();
  await store.target.push(BLOB, source);
  assert.deepEqual(source.opened, []);
  assert.equal(await store.target.has(BLOB), true);
});

Deno.test("a kept part with wrong bytes is thrown away, and everything is fetched once", async () => {
  for (const kept of [BYTES.slice(0, 1000).fill(7), new Uint8Array(BYTES.length), new Uint8Array(BYTES.length + 1)]) {
    using store = await open();
    mkdirSync(join(store.made.path, "ingest"), { recursive: true });
    writeFileSync(store.partial, kept);
    const source = content();
    await store.target.push(BLOB, source);
    assert.equal(source.opened.at(-1), 0);
    assert.equal(await store.target.has(BLOB), true);
    assert.deepEqual(store.ingest(), []);
  }
});

Deno.test("wrong bytes, too few and too many leave nothing", async () => {
  for (const bytes of [BYTES.slice().fill(1), BYTES.slice(1), new Uint8Array(BYTES.length + 1)]) {
    using store = await open();
    const source = content({ bytes });
    await assert.rejects(store.target.push(BLOB, source), (error) => hasCode(error, "integrity"));
    assert.deepEqual(source.opened, [0]);
    assert.deepEqual(store.ingest(), []);
    assert.equal(await store.target.has(BLOB), false);
  }
});

Deno.test("what another process is just writing is written a second time beside it", async () => {
  using store = await open();
  mkdirSync(join(store.made.path, "ingest"), { recursive: true });
  writeFileSync(store.partial, "a part of somebody else's");
  using _lock = await acquireLock(store.partial);
  await store.target.push(BLOB, content());
  assert.equal(await store.target.has(BLOB), true);
  assert.deepEqual(store.ingest(), [`${digestHex(BLOB.digest)}.partial`]);
  await assert.rejects(store.target.push(BLOB, content({ breakAt: 65_536 })));
  assert.deepEqual(store.ingest(), [`${digestHex(BLOB.digest)}.partial`]);
});

Deno.test("the same content may be pushed by several at once", async () => {
  using store = await open();
  await Promise.all(Array.from({ length: 8 }, () => store.target.push(BLOB, content())));
  assert.equal(await store.target.has(BLOB), true);
  assert.deepEqual(store.ingest(), []);
});

Deno.test("a damaged blob is replaced", async () => {
  using store = await open();
  await store.target.push(BLOB, content());
  const path = blobFile(store.made.path, BLOB.digest);
  Deno.chmodSync(path, 0o644);
  writeFileSync(path, BYTES.slice().fill(9));
  assert.equal(await store.target.has(BLOB), false);
  await store.target.push(BLOB, content());
  assert.equal(await store.target.has(BLOB), true);
});
