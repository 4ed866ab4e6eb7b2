import assert from "node:assert/strict";
import { join } from "node:path";
import {
  binary,
  describe,
  digestOf,
  type Image,
  makeGadget,
  peer,
  peerTest,
  run,
  satchelEnvironment,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startInBackground,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { assertNamesSynced, assertSyncedBefore, callsOf, logging, renamesTo } from "./disk_calls.ts";

// What is on the disk when the power fails: a name stands for all of its bytes, and the index names only what has its name.

const nameOf = (at: number) => `example.org/app${at}:v1`;

/** Gadgets, and an archive of them. */
async function prepare(scratch: Scratch, images: readonly Image[]): Promise<string> {
  const store = scratch.at("near");
  await writeStore(store, images.map((image, at) => ({ image, name: nameOf(at) })));
  const archive = scratch.at("near.tar");
  await satchelSucceeds(["image", "export", "--all", archive], { store });
  return archive;
}

/** Uploads a blob by plain requests. */
async function upload(host: string, bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const begun = await fetch(`http://${host}/v2/app/blobs/uploads/`, { method: "POST" });
  await begun.body?.cancel();
  const url = new URL(begun.headers.get("location")!, `http://${host}`);
  url.searchParams.set("digest", digestOf(bytes));
  const { status, body } = await fetch(url, { method: "PUT", body: bytes });
  await body?.cancel();
  return status;
}

/** Starts a server whose calls get into a log. */
async function startTraced(scratch: Scratch, store: string, options: readonly string[]) {
  const serve = ["serve", "--listen", "127.0.0.1:0", "--writable", "--allow-anonymous-push"];
  const server = await startInBackground(peer("strace"), [...options, await binary(), ...serve], {
    env: satchelEnvironment(store, scratch.path),
    ready: (line) => /^Serving .* on http:\/\/([^\s,]+)/.exec(line)?.[1],
  });
  return {
    host: server.found,
    async [Symbol.asyncDispose]() {
      // Not strace itself: it would leave the server running.
      const [pid] = /^\d+/.exec(await Deno.readTextFile(scratch.at("log"))) ?? [];
      if (pid !== undefined) Deno.kill(Number(pid), "SIGTERM");
      await server.status;
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Runs satchel; what it asked of the disk. */
async function traced(scratch: Scratch, args: readonly string[], store: string) {
  const log = scratch.at("log");
  const outcome = await run(peer("strace"), [...logging(log), await binary(), ...args], {
    env: satchelEnvironment(store, scratch.path),
  });
  assert.equal(outcome.code, 0, describe(outcome));
  return callsOf(await Deno.readTextFile(log));
}

/** Checks the order of all that a store was changed by; how many blobs were added. */
function assertStoreOrder(calls: ReturnType<typeof callsOf>, store: string): number {
  const blobs = renamesTo(calls, /\/blobs\/sha256\/[0-9a-f]{64}$/);
  const indexes = renamesTo(calls, /\/index\.json$/);
  for (const rename of [...blobs, ...indexes]) {
    assert.ok(rename.paths[1].startsWith(store));
    assertSyncedBefore(calls, rename);
  }
  // The first one is that of the empty store.
  for (const index of indexes.slice(1)) {
    const before = blobs.filter(({ began }) => began < index.began);
    assert.ok(before.length > 0);
    // The bytes of an index that names them are written after their names are on the disk.
    const [temporary] = index.paths;
    const written = calls.findLast((call) =>
      call.name === "pwrite64" && call.paths[0] === temporary && call.began < index.began
    );
    assertNamesSynced(calls, before, written?.began ?? index.began);
  }
  assertNamesSynced(calls, indexes);
  const last = indexes.at(-1)!;
  assert.ok(blobs.every(({ ended }) => ended < last.began), "a blob got its name after the index that names it");
  return blobs.length;
}

peerTest("strace", "an archive has its name when it is on the disk, and then its name is", async () => {
  await using scratch = await scratchFolder();
  await prepare(scratch, [makeGadget({ layerSize: 40_000_000, architectures: ["amd64"] })]);
  const archive = scratch.at("x.tar");
  const calls = await traced(scratch, ["image", "export", "--all", archive], scratch.at("near"));
  const [rename, ...others] = renamesTo(calls, /\/x\.tar$/);
  assert.equal(others.length, 0);
  assertSyncedBefore(calls, rename);
  assertNamesSynced(calls, [rename]);
});

peerTest("strace", "volumes have their names when all of them are on the disk, the list of them first", async () => {
  await using scratch = await scratchFolder();
  await prepare(scratch, [makeGadget({ layerSize: 2_500_000, architectures: ["amd64"] })]);
  const args = ["image", "export", "--all", scratch.at("x.tar"), "--volume-size", "1MB"];
  const calls = await traced(scratch, args, scratch.at("near"));
  const renames = renamesTo(calls, /\/x\.tar/);
  assert.deepEqual(renames.map(({ paths }) => paths[1].slice(scratch.path.length)), [
    "/x.tar-sha256sums",
    "/x.tar.001",
    "/x.tar.002",
    "/x.tar.003",
  ]);
  for (const rename of renames) {
    // All of them, before the first one has its name.
    assertSyncedBefore(calls, { ...rename, began: renames[0].began });
  }
  assertNamesSynced(calls, renames);
});

peerTest(
  "strace",
  "an import names blobs that are on the disk, and the index names those whose names are",
  async () => {
    await using scratch = await scratchFolder();
    const archive = await prepare(scratch, [makeGadget(), makeGadget({ layerSize: 100_000 })]);
    const store = scratch.at("far");
    const calls = await traced(scratch, ["image", "import", archive], store);
    assert.ok(assertStoreOrder(calls, store) > 8);
  },
);

peerTest("strace", "of many small blobs that wait for the disk together none has its name before", async () => {
  await using scratch = await scratchFolder();
  const archive = await prepare(scratch, Array.from({ length: 40 }, () => makeGadget({ layerSize: 100 })));
  const store = scratch.at("far");
  const calls = await traced(scratch, ["image", "import", archive], store);
  assert.ok(assertStoreOrder(calls, store) > 200);
});

peerTest("strace", "what is pushed is on the disk when that is said, and before the index names it", async () => {
  await using scratch = await scratchFolder();
  await prepare(scratch, [makeGadget({ layerSize: 200_000 })]);
  const store = scratch.at("far");
  const log = scratch.at("log");
  {
    await using server = await startTraced(scratch, store, logging(log));
    assert.equal(await upload(server.host, new TextEncoder().encode("a blob that no manifest needs yet")), 201);
    // What strace has seen up to the answer is in its log by now.
    const answered = callsOf(await Deno.readTextFile(log));
    const [blob] = renamesTo(answered, /\/blobs\/sha256\/[0-9a-f]{64}$/);
    assertSyncedBefore(answered, blob);
    assertNamesSynced(answered, [blob]);
    const args = ["image", "copy", `store:${nameOf(0)}`, `${server.host}/app:v1`];
    await satchelSucceeds([...args, "--insecure-registries", server.host], { store: scratch.at("near") });
  }
  assert.ok(assertStoreOrder(callsOf(await Deno.readTextFile(log)), store) > 4);
});

/** Has strace answer in the place of a disk that cannot write. */
const breaking = (log: string) => ["-f", "-qq", "-o", log, "-e", "inject=fdatasync:error=EIO"];

peerTest("strace", "what a disk could not write is not gone on from: the system says that only once", async () => {
  await using scratch = await scratchFolder();
  const archive = await prepare(scratch, [makeGadget({ layerSize: 100_000 })]);
  const store = scratch.at("far");
  const args = [...breaking(scratch.at("log")), await binary(), "image", "import", archive];
  const outcome = await run(peer("strace"), args, { env: satchelEnvironment(store, scratch.path) });
  assert.equal(outcome.code, 1, describe(outcome));
  assert.match(outcome.stderr, /the disk reports an error/);
  const left = () => Array.from(Deno.readDirSync(join(store, "ingest")), ({ name }) => name);
  assert.deepEqual(left(), []);
  await using server = await startTraced(scratch, store, breaking(scratch.at("log")));
  for (const size of [100, 100_000]) assert.equal(await upload(server.host, new Uint8Array(size)), 500);
  assert.deepEqual(left(), []);
});
