import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copy, MemoryRepository, readVerified } from "../content/mod.ts";
import { hasCode } from "../error.ts";
import { acquireLock } from "../runtime/mod.ts";
import { digestHex } from "../oci/mod.ts";
import { blobFile, blobsIn, damage, makeImage, pull, ref, removeBlob, scratch, scratchOfIg } from "./_testing.ts";

const HELLO = "sha256:e38971200f97ea6b65a97a258b408dbeb4486a4f8aed52a428073fd13f0dd228";
const GADGET = "ghcr.io/inspektor-gadget/gadget";

Deno.test("a store that ig made is listed with its names, ages, platforms and sizes", async () => {
  using made = scratchOfIg();
  const images = await made.open().images();
  assert.deepEqual(images.map(({ name }) => name), [
    "127.0.0.1:5001/fixture/hello:v1",
    "127.0.0.1:5001/fixture/other:v2",
    `${GADGET}/hello:latest`,
  ]);
  const hello = images[2];
  assert.equal(hello.descriptor.digest, HELLO);
  assert.equal(hello.created, "2024-05-06T07:08:09Z");
  assert.equal(hello.artifactType, "application/vnd.gadget.v1+binary");
  assert.deepEqual(hello.platforms.map(({ architecture }) => architecture).sort(), ["amd64", "arm64"]);
  // The index, two manifests, one config, two layers: the sizes that tar shows.
  assert.equal(hello.size, 936 + 680 + 680 + 149 + 700 + 700);
  assert.deepEqual(hello.reference, {
    registry: "ghcr.io",
    repository: "inspektor-gadget/gadget/hello",
    tag: "latest",
  });
});

Deno.test("--all also lists the attachments that ig stored, and no platform manifest", async () => {
  using made = scratchOfIg();
  const images = await made.open().images({ all: true });
  assert.deepEqual(images.slice(3).map(({ kind, name, subject }) => ({ kind, name, subject })), [
    { kind: "attachment", name: `sha256-${digestHex(HELLO)}.sig`, subject: HELLO },
  ]);
});

Deno.test("what ig pulled and what satchel copies from it give the same entries and the same blobs", async () => {
  using made = scratchOfIg();
  using target = scratch();
  const [ofIg, store] = [made.open(), target.open()];
  for (const name of ["127.0.0.1:5001/fixture/hello:v1", "127.0.0.1:5001/fixture/other:v2", "hello"]) {
    const { tag } = ref(name);
    await copy(ofIg.repository(ref(name)), tag!, store.repository(ref(name)), { tag });
  }
  const byText = (path: string) =>
    JSON.parse(readFileSync(join(path, "index.json"), "utf8")).manifests.map(JSON.stringify).sort();
  assert.deepEqual(byText(target.path), byText(made.path));
  assert.deepEqual(blobsIn(target.path), blobsIn(made.path));
});

Deno.test("a new store has the files, bytes and modes of ig's", async () => {
  using made = scratch("deep/store");
  const store = made.open();
  const source = new MemoryRepository();
  const { index, layers } = makeImage(source, "v1");
  await pull(source, "v1", store, "foo:v1");
  const umask = (mode: number) => mode & ~Deno.umask();
  const mode = (path: string) => statSync(join(made.path, path)).mode & 0o777;
  assert.equal(mode("."), 0o700);
  assert.equal(mode("blobs"), umask(0o755));
  assert.equal(mode("blobs/sha256"), umask(0o755));
  assert.equal(mode("ingest"), umask(0o755));
  assert.equal(mode("oci-layout"), umask(0o644));
  assert.equal(mode("index.json"), umask(0o644));
  assert.equal(mode("index.json.lock"), 0o600);
  for (const { digest } of [index, ...layers]) assert.equal(statSync(blobFile(made.path, digest)).mode & 0o777, 0o444);
  assert.equal(readFileSync(join(made.path, "oci-layout"), "utf8"), '{"imageLayoutVersion":"1.0.0"}');
  await store.remove(ref("foo:v1"));
  assert.equal(
    readFileSync(join(made.path, "index.json"), "utf8"),
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
  );
});

Deno.test("looking at a store that does not exist shows nothing and creates nothing", async () => {
  using made = scratch();
  const store = made.open();
  assert.deepEqual(await store.images({ all: true }), []);
  assert.deepEqual(await store.names(), []);
  await assert.rejects(store.resolve(ref("foo")), (error) => hasCode(error, "not-found"));
  await assert.rejects(store.remove(ref("foo")), (error) => hasCode(error, "not-found"));
  await assert.rejects(store.tag(ref("foo"), ref("bar")), (error) => hasCode(error, "not-found"));
  assert.deepEqual((await store.check()).damage, []);
  await store.gc();
  assert.equal(existsSync(made.path), false);
});

Deno.test("a pull repairs what is missing and what has other bytes", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { index, manifests, layers } = makeImage(source, "v1");
  await pull(source, "v1", store);
  damage(made.path, layers[0].digest);
  removeBlob(made.path, layers[1].digest);
  damage(made.path, manifests[1].digest);
  // What a damaged manifest needs cannot be known, so its missing layer is not in the list.
  assert.deepEqual(
    (await store.check()).damage.map(({ digest }) => digest).sort(),
    [
      layers[0].digest,
      manifests[1].digest,
    ].sort(),
  );
  const { transferred } = await pull(source, "v1", store);
  assert.equal(transferred.blobs, 3);
  assert.deepEqual((await store.check()).damage, []);
  const bytes = await readVerified(store.repository(ref("v1")).fetch(index), index, 1 << 20);
  assert.equal(bytes.length, index.size);
});

Deno.test("whatever waits for the lock is ended by its signal", async () => {
  using made = scratchOfIg();
  const lock = await acquireLock(join(made.path, "index.json.lock"));
  const controller = new AbortController();
  const { signal } = controller;
  const tagging = made.open().tag(ref("hello"), ref("x"), { signal });
  // Reading waits only where somebody seems to be writing.
  writeFileSync(join(made.path, "index.json"), "{");
  const store = made.open();
  const waiting = [
    tagging,
    store.tag(ref("hello"), ref("x"), { signal }),
    store.resolve(ref("hello"), { signal }),
    store.names({ signal }),
    store.images({ signal }),
    store.repositoriesHolding("quay.io", { signal }),
  ];
  controller.abort();
  // Whoever has not heard the signal goes on now, and ends in another way.
  lock[Symbol.dispose]();
  for (const ended of await Promise.allSettled(waiting)) {
    assert.ok(ended.status === "rejected" && hasCode(ended.reason, "cancelled"), JSON.stringify(ended));
  }
});
