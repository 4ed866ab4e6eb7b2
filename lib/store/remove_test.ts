import assert from "node:assert/strict";
import { copy, MemoryRepository } from "../content/mod.ts";
import { digestHex, MediaType } from "../oci/mod.ts";
import {
  blobsIn,
  damage,
  entriesIn,
  makeAttachment,
  makeImage,
  pull,
  ref,
  removeBlob,
  scratch,
  scratchOfIg,
} from "./_testing.ts";

Deno.test("removing one name among several removes only that name", async () => {
  using made = scratchOfIg();
  const store = made.open();
  const before = blobsIn(made.path);
  const { names, deleted } = await store.remove(ref("hello"));
  assert.deepEqual(names, ["ghcr.io/inspektor-gadget/gadget/hello:latest"]);
  assert.equal(deleted.blobs, 0);
  assert.deepEqual(blobsIn(made.path), before);
  assert.equal((await store.images()).length, 2);
});

Deno.test("removing one of two names of a single manifest, which ig's list skips, keeps the other", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const config = source.add(MediaType.empty, "{}");
  source.addManifest({ mediaType: MediaType.ociManifest, config, layers: [config] }, "single");
  await pull(source, "single", store, "one");
  await store.tag(ref("one"), ref("two"));
  await store.remove(ref("one"));
  assert.deepEqual(await store.names(), ["ghcr.io/inspektor-gadget/gadget/two:latest"]);
  assert.equal(blobsIn(made.path).length, 2);
});

Deno.test("removing the last name takes the image and the signature that ig would leave behind", async () => {
  using made = scratchOfIg();
  const store = made.open();
  await store.remove(ref("hello"));
  const { names, manifests, deleted } = await store.remove(ref("127.0.0.1:5001/fixture/hello:v1"));
  const hex = "e38971200f97ea6b65a97a258b408dbeb4486a4f8aed52a428073fd13f0dd228";
  assert.deepEqual(names.sort(), ["127.0.0.1:5001/fixture/hello:v1", `sha256-${hex}.sig`]);
  assert.equal(manifests.length, 4);
  assert.equal(deleted.blobs, 9);
  assert.deepEqual(entriesIn(made.path).map(({ name }) => name), [
    "127.0.0.1:5001/fixture/other:v2",
    undefined,
    undefined,
  ]);
  assert.deepEqual(await store.check().then(({ damage, garbage }) => [...damage, ...garbage]), []);
});

Deno.test("referrers go with their subject, and what refers to them, and those of platform manifests", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { index, manifests } = makeImage(source, "v1");
  const note = makeAttachment(source, index, "a note");
  makeAttachment(source, note, "a note on the note");
  makeAttachment(source, manifests[0], "a note on a platform");
  makeAttachment(source, manifests[1], "sbom", `sha256-${digestHex(manifests[1].digest)}.sbom`);
  const { attachments } = await pull(source, "v1", store);
  assert.equal(attachments.length, 4);
  await store.remove(ref("v1"));
  assert.deepEqual(blobsIn(made.path), []);
  assert.deepEqual(entriesIn(made.path), []);
});

Deno.test("a fallback index and all that it lists go with the image, which ig leaves behind", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { index } = makeImage(source, "v1");
  await pull(source, "v1", store);
  const note = makeAttachment(source, index, "a note");
  const tag = `sha256-${digestHex(index.digest)}`;
  source.addManifest({ mediaType: MediaType.ociIndex, manifests: [note] }, tag);
  await copy(source, tag, store.repository(ref("v1")), { tag, referrers: false });
  await store.remove(ref("v1"));
  assert.deepEqual(blobsIn(made.path), []);
  assert.deepEqual(entriesIn(made.path), []);
});

Deno.test("what another image uses stays: shared blobs, a shared platform with its attachments, a named part", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const config = "one config for all";
  const a = makeImage(source, "a", config);
  makeImage(source, "b", config);
  const shared = { ...a.manifests[0], platform: { architecture: "amd64", os: "linux" } };
  source.addManifest({ mediaType: MediaType.ociIndex, manifests: [shared] }, "partial");
  makeAttachment(source, a.manifests[0], "a note on the shared part");
  await pull(source, "a", store);
  await pull(source, "b", store);
  await pull(source, "partial", store);
  await copy(source, a.manifests[1].digest, store.repository(ref("part")), { tag: "arm64", referrers: false });
  await store.remove(ref("a"));
  await store.remove(ref("b"));
  const { damage, garbage } = await store.check();
  assert.deepEqual([...damage, ...garbage], []);
  assert.equal((await store.images()).length, 2);
  assert.equal((await store.images({ all: true })).filter(({ kind }) => kind === "attachment").length, 1);
  await store.remove(ref("partial"));
  await store.remove(ref("part:arm64"));
  assert.deepEqual(blobsIn(made.path), []);
});

Deno.test("removing an image touches no other file, not even one that nothing needs", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  makeImage(source, "v1");
  const stray = source.add("application/octet-stream", "nobody's");
  await pull(source, "v1", store);
  await store.repository(ref("x")).push(stray, { open: () => source.fetch(stray) });
  await store.remove(ref("v1"));
  assert.deepEqual(blobsIn(made.path), [stray.digest]);
});

Deno.test("a moved name's old image keeps what it shares with the one that is removed", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const [old, recent] = [makeImage(source, "old", "shared"), makeImage(source, "new", "shared")];
  await pull(source, "old", store, "foo");
  await pull(source, "new", store, "foo");
  await store.remove(ref("foo"));
  assert.deepEqual(
    blobsIn(made.path),
    [old.index, ...old.manifests, old.config, ...old.layers].map(({ digest }) => digest).sort(),
  );
  assert.equal(entriesIn(made.path).some(({ digest }) => digest === recent.index.digest), false);
});

Deno.test("a damaged image can be removed, whatever is missing", async () => {
  const parts = ["index", "manifest", "layer", "config"] as const;
  for (const part of parts) {
    for (const harm of [removeBlob, damage]) {
      using made = scratch();
      const store = made.open();
      const source = new MemoryRepository();
      const image = makeImage(source, "v1");
      await pull(source, "v1", store);
      const { index, manifests: [manifest], layers: [layer], config } = image;
      harm(made.path, { index, manifest, layer, config }[part].digest);
      await store.remove(ref("v1"));
      assert.deepEqual(await store.names(), [], part);
      assert.deepEqual((await store.check()).damage, [], part);
      await store.gc({ minAge: 0, untagged: true });
      assert.deepEqual(blobsIn(made.path), [], part);
      assert.deepEqual(entriesIn(made.path), [], part);
    }
  }
});

Deno.test("content that is removed before it is named is noticed by the commit, and copied again", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  makeImage(source, "v1", "shared");
  makeImage(source, "v2", "shared");
  await pull(source, "v1", store);
  const target = store.repository(ref("v2"));
  let isFirst = true;
  await copy(source, "v2", {
    ...target,
    commit: async (...args) => {
      if (isFirst) await store.remove(ref("v1"));
      isFirst = false;
      return await target.commit(...args);
    },
  }, { tag: "latest" });
  assert.deepEqual((await store.check()).damage, []);
  assert.deepEqual(await store.names(), ["ghcr.io/inspektor-gadget/gadget/v2:latest"]);
});
