import assert from "node:assert/strict";
import { MemoryRepository } from "../content/mod.ts";
import { hasCode } from "../error.ts";
import { MediaType, REF_NAME_ANNOTATION } from "../oci/mod.ts";
import { blobsIn, entriesIn, makeImage, pull, ref, removeBlob, scratch, scratchOfIg } from "./_testing.ts";

const HELLO = "sha256:e38971200f97ea6b65a97a258b408dbeb4486a4f8aed52a428073fd13f0dd228";
const GADGET = "ghcr.io/inspektor-gadget/gadget";

Deno.test("a name that moves leaves what it stood for in the list, without a name", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const [first, second] = [makeImage(source, "v1"), makeImage(source, "v2")];
  await pull(source, "v1", store, "foo:latest");
  await pull(source, "v2", store, "foo:latest");
  assert.equal((await store.resolve(ref("foo"))).digest, second.index.digest);
  const all = await store.images({ all: true });
  assert.deepEqual(all.map(({ kind, descriptor }) => [kind, descriptor.digest]), [
    ["image", second.index.digest],
    ["untagged", first.index.digest],
  ]);
  assert.equal(entriesIn(made.path).filter(({ digest }) => digest === first.index.digest).length, 1);
});

Deno.test("a part of an image cannot give itself a name in the store", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const evil = makeImage(source, "evil");
  const annotations = { [REF_NAME_ANNOTATION]: `${GADGET}/trace_open:latest`, title: "harmless" };
  const manifests = evil.manifests.map((manifest) => ({ ...manifest, annotations }));
  source.addManifest({ mediaType: MediaType.ociIndex, manifests }, "trap");
  await pull(source, "trap", store, "foo");
  assert.deepEqual(await store.names(), [`${GADGET}/foo:latest`]);
  assert.deepEqual(entriesIn(made.path).map((entry) => entry.annotations), [
    { [REF_NAME_ANNOTATION]: `${GADGET}/foo:latest` },
    { title: "harmless" },
    { title: "harmless" },
  ]);
});

Deno.test("name@digest finds an image of that repository whatever its tag, and no other", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { index, manifests } = makeImage(source, "v1");
  const other = makeImage(source, "v2").index;
  await pull(source, "v1", store, "foo:v1");
  await pull(source, "v2", store, "foo:v2");
  assert.equal((await store.resolve(ref(`foo@${index.digest}`))).digest, index.digest);
  assert.equal((await store.resolve(ref(`foo:v1@${index.digest}`))).digest, index.digest);
  await assert.rejects(store.resolve(ref(`bar@${index.digest}`)), (error) => hasCode(error, "not-found"));
  await assert.rejects(store.resolve(ref(`foo@${manifests[0].digest}`)), (error) => hasCode(error, "not-found"));
  await assert.rejects(store.resolve(ref(`foo:v1@${other.digest}`)), /is sha256:[0-9a-f]{64}, not sha256:[0-9a-f]{64}/);
});

Deno.test("an image pulled by digest is stored under name@digest, and found, tagged and removed by it", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { index } = makeImage(source, "v1");
  const name = `${GADGET}/foo@${index.digest}`;
  await pull(source, "v1", store, `foo@${index.digest}`);
  assert.deepEqual(await store.names(), [name]);
  await store.tag(ref(`foo@${index.digest}`), ref("foo:v1"));
  const { names } = await store.remove(ref(`foo@${index.digest}`));
  assert.deepEqual(names, [name]);
  assert.deepEqual(await store.names(), [`${GADGET}/foo:v1`]);
  await store.remove(ref(`foo@${index.digest}`));
  assert.deepEqual(blobsIn(made.path), []);
});

Deno.test("a digest that has several names is not removed by guessing", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { index } = makeImage(source, "v1");
  await pull(source, "v1", store, "foo:v1");
  await store.tag(ref("foo:v1"), ref("foo:v2"));
  await assert.rejects(store.remove(ref(`foo@${index.digest}`)), /has several names: .*foo:v1, .*foo:v2/);
  assert.equal((await store.names()).length, 2);
});

Deno.test("what is stored as name:tag@digest is found by name:tag, as it is listed", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { index } = makeImage(source, "v1");
  await pull(source, "v1", store, `foo:v1@${index.digest}`, { tag: index.digest });
  assert.deepEqual(await store.names(), [`${GADGET}/foo:v1@${index.digest}`]);
  assert.equal((await store.resolve(ref("foo:v1"))).digest, index.digest);
  assert.equal((await store.repository(ref("foo")).resolve("v1")).descriptor.digest, index.digest);
  await store.remove(ref("foo:v1"));
  assert.deepEqual(await store.names(), []);
});

Deno.test("name:tag that is stored with several digests is not guessed", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  for (const name of ["one", "two"]) {
    const { index } = makeImage(source, name);
    await pull(source, name, store, `foo:v1@${index.digest}`, { tag: index.digest });
  }
  await assert.rejects(store.resolve(ref("foo:v1")), /has several names: .*foo:v1@sha256:.*, .*foo:v1@sha256:/);
});

Deno.test("tag gives a second name and keeps what the entry says besides", async () => {
  using made = scratchOfIg();
  const store = made.open();
  await store.tag(ref("hello"), ref("copy:1"));
  await store.tag(ref("hello"), ref("copy:1"));
  assert.equal((await store.resolve(ref("copy:1"))).digest, HELLO);
  assert.equal(entriesIn(made.path).length, 9);
  const digest = (await store.resolve(ref("127.0.0.1:5001/fixture/other:v2"))).digest;
  await assert.rejects(store.tag(ref("hello"), ref(`copy@${digest}`)), (error) => hasCode(error, "usage"));
});

Deno.test("an incomplete image gets no second name", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { layers } = makeImage(source, "v1");
  await pull(source, "v1", store);
  removeBlob(made.path, layers[0].digest);
  await assert.rejects(store.tag(ref("v1:v1"), ref("copy")), (error) => hasCode(error, "not-found"));
  await assert.rejects(store.tag(ref("v1"), ref("copy")), (error) => hasCode(error, "integrity"));
});

Deno.test("repositoriesHolding knows by the names which repositories of a registry have a blob", async () => {
  using made = scratchOfIg();
  const store = made.open();
  const holding = await store.repositoriesHolding("127.0.0.1:5001");
  const index = { mediaType: MediaType.ociIndex, digest: HELLO, size: 936 } as const;
  assert.deepEqual(holding(index), ["fixture/hello"]);
  assert.deepEqual((await store.repositoriesHolding("quay.io"))(index), []);
});
