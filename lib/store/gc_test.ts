import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copy, MemoryRepository } from "../content/mod.ts";
import { hasCode } from "../error.ts";
import { digestHex, MediaType } from "../oci/mod.ts";
import { acquireLock } from "../runtime/mod.ts";
import { blobsIn, entriesIn, makeAttachment, makeImage, pull, ref, removeBlob, scratch } from "./_testing.ts";

/** A store with everything in it that may turn up: an image, an untagged one, strays, left-overs. */
async function makeStore(path: ReturnType<typeof scratch>) {
  const store = path.open();
  const source = new MemoryRepository();
  const image = makeImage(source, "keep");
  makeAttachment(source, image.index, "a note that stays");
  const untagged = makeImage(source, "old");
  makeAttachment(source, untagged.index, "a note on the untagged");
  await pull(source, "old", store, "foo");
  await pull(source, "keep", store, "foo");
  const stray = source.add("application/octet-stream", "stray");
  await store.repository(ref("x")).push(stray, { open: () => source.fetch(stray) });
  const lonely = makeImage(source, "lonely");
  const signature = makeAttachment(source, lonely.index, "signature", `sha256-${digestHex(lonely.index.digest)}.sig`);
  await copy(source, signature.digest, store.repository(ref("x")), {
    tag: `sha256-${digestHex(lonely.index.digest)}.sig`,
    referrers: false,
  });
  const gone = makeImage(source, "gone");
  await copy(source, gone.index.digest, store.repository(ref("x")), { referrers: false });
  removeBlob(path.path, gone.index.digest);
  writeFileSync(join(path.path, "ingest", "0".repeat(64) + "_123"), "left by ig");
  return { store, source, image, untagged, stray, signature, gone };
}

Deno.test("gc removes what no image needs, keeps images without a name, and leaves nothing to report", async () => {
  using made = scratch();
  const { store, image, untagged, stray, signature } = await makeStore(made);
  const report = await store.gc({ minAge: 0 });
  assert.deepEqual(report.entries, { gone: 1, orphans: 1, untagged: 0 });
  assert.equal(report.ingest.blobs, 1);
  const left = blobsIn(made.path);
  for (const { digest } of [image.index, untagged.index, ...image.layers, ...untagged.layers]) {
    assert.ok(left.includes(digest));
  }
  for (const { digest } of [stray, signature]) assert.equal(left.includes(digest), false);
  const check = await store.check();
  assert.deepEqual(check.damage, []);
  // The manifests of the index that is gone now look like images that have lost their names.
  assert.deepEqual(new Set(check.garbage.map(({ kind }) => kind)), new Set(["untagged"]));
});

Deno.test("gc --untagged removes images without a name and what refers to them", async () => {
  using made = scratch();
  const { store, image } = await makeStore(made);
  await store.gc({ minAge: 0, untagged: true });
  const { damage, garbage } = await store.check();
  assert.deepEqual([...damage, ...garbage], []);
  assert.deepEqual((await store.images({ all: true })).map(({ kind }) => kind), ["image", "attachment"]);
  assert.ok(blobsIn(made.path).includes(image.index.digest));
});

Deno.test("what `images` lists as untagged is what gc --untagged removes, and no part or attachment is counted", async () => {
  using made = scratch();
  const { store, untagged } = await makeStore(made);
  await store.gc({ minAge: 0 });
  // Parts that have lost their index are images of their own then.
  const listed = (await store.images({ all: true })).filter(({ kind }) => kind === "untagged");
  assert.ok(listed.some(({ descriptor }) => descriptor.digest === untagged.index.digest));
  assert.ok(untagged.manifests.every(({ digest }) => listed.every(({ descriptor }) => descriptor.digest !== digest)));
  const found = (await store.check()).garbage.filter(({ kind }) => kind === "untagged");
  assert.deepEqual(found.map(({ digest }) => digest).sort(), listed.map(({ descriptor }) => descriptor.digest));
  const { entries } = await store.gc({ minAge: 0, untagged: true });
  assert.equal(entries.untagged, listed.length);
  assert.ok((await store.images({ all: true })).every(({ kind }) => kind !== "untagged"));
});

Deno.test("a part of a named image that only an unlisted index leads to is not listed as an image of its own", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const inner = makeImage(source, "inner");
  source.addManifest({ mediaType: MediaType.ociIndex, manifests: [inner.index] }, "outer");
  await pull(source, "outer", store);
  const path = join(made.path, "index.json");
  const index = JSON.parse(readFileSync(path, "utf8"));
  index.manifests = index.manifests.filter(({ digest }: { digest: string }) => digest !== inner.index.digest);
  writeFileSync(path, JSON.stringify(index));
  assert.deepEqual((await store.images({ all: true })).map(({ kind }) => kind), ["image"]);
});

Deno.test("gc leaves young files alone and says how much that is", async () => {
  using made = scratch();
  const { store, stray } = await makeStore(made);
  const { deleted, ingest, young } = await store.gc();
  assert.deepEqual([deleted.blobs, ingest.blobs], [0, 0]);
  assert.ok(young.blobs >= 3);
  assert.ok(blobsIn(made.path).includes(stray.digest));
});

Deno.test("gc --dry-run tells the same and changes nothing", async () => {
  using made = scratch();
  const { store } = await makeStore(made);
  const [blobs, entries] = [blobsIn(made.path), entriesIn(made.path)];
  const told = await store.gc({ minAge: 0, dryRun: true });
  assert.deepEqual([blobsIn(made.path), entriesIn(made.path)], [blobs, entries]);
  assert.deepEqual(await store.gc({ minAge: 0 }), told);
});

Deno.test("gc keeps a part of a transfer that a living process is writing, whatever its age", async () => {
  using made = scratch();
  const { store } = await makeStore(made);
  const partial = join(made.path, "ingest", `${"1".repeat(64)}.partial`);
  writeFileSync(partial, "half of it");
  {
    using _lock = await acquireLock(partial);
    await store.gc({ minAge: 0 });
    assert.equal(existsSync(partial), true);
  }
  await store.gc({ minAge: 0 });
  assert.equal(existsSync(partial), false);
});

Deno.test("gc never touches what is not named as a blob is", async () => {
  using made = scratch();
  const { store } = await makeStore(made);
  const names = ["notes.txt", "A".repeat(64), "f".repeat(63)];
  for (const name of names) writeFileSync(join(made.path, "blobs/sha256", name), "?");
  mkdirSync(join(made.path, "blobs/sha256", "f".repeat(64)));
  writeFileSync(join(made.path, "blobs", "e".repeat(64)), "?");
  await store.gc({ minAge: 0, untagged: true });
  for (const name of names) assert.equal(existsSync(join(made.path, "blobs/sha256", name)), true);
  assert.equal(existsSync(join(made.path, "blobs/sha256", "f".repeat(64))), true);
  const strays = (await store.check()).garbage.filter(({ kind }) => kind === "unknown");
  assert.equal(strays.length, 5);
});

Deno.test("gc removes parts of transfers alone from ingest", async () => {
  using made = scratch();
  const { store } = await makeStore(made);
  const [partial, ofIg, foreign] = [`${"a".repeat(64)}.partial`, `${"b".repeat(64)}_12345`, "thesis.tex"];
  for (const name of [partial, ofIg, foreign]) writeFileSync(join(made.path, "ingest", name), "?");
  await store.gc({ minAge: 0 });
  assert.deepEqual(readdirSync(join(made.path, "ingest")), [foreign]);
});

Deno.test("no link inside of a store is followed, whoever made it, so nothing elsewhere is removed", async () => {
  using elsewhere = scratch();
  await makeStore(elsewhere);
  const files = readdirSync(join(elsewhere.path, "blobs/sha256"));
  for (const inner of ["blobs", "blobs/sha256", "ingest"]) {
    using made = scratch();
    const { store } = await makeStore(made);
    rmSync(join(made.path, inner), { recursive: true });
    symlinkSync(join(elsewhere.path, inner), join(made.path, inner));
    await assert.rejects(store.gc({ minAge: 0, untagged: true }), (error) => hasCode(error, "refused"), inner);
    await assert.rejects(store.images(), (error) => hasCode(error, "refused"), inner);
  }
  assert.deepEqual(readdirSync(join(elsewhere.path, "blobs/sha256")), files);
});

Deno.test("gc keeps all that a manifest speaks of which it cannot read", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { index, layers } = makeImage(source, "v1");
  await pull(source, "v1", store);
  // An index of the future: intact, but with members that make it ambiguous today.
  const strange = source.add(
    "application/vnd.oci.image.index.v1+json",
    JSON.stringify({ schemaVersion: 2, layers: [], manifests: [], streams: { first: index.digest } }),
  );
  const repository = store.repository(ref("strange"));
  await repository.push(strange, { open: () => source.fetch(strange) });
  await repository.commit({
    manifests: [{ descriptor: strange }],
    blobs: [],
    names: [{ tag: "latest", descriptor: strange, bytes: source.contents.get(strange.digest)!.bytes }],
  });
  await store.remove(ref("v1"));
  await store.gc({ minAge: 0, untagged: true });
  for (const { digest } of [index, ...layers]) assert.ok(blobsIn(made.path).includes(digest));
});
