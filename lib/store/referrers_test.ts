import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MemoryRepository } from "../content/mod.ts";
import { damage, makeAttachment, makeImage, pull, ref, removeBlob, scratch } from "./_testing.ts";

Deno.test("who gives up looking for referrers keeps nobody else from finding them", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const { index } = makeImage(source, "foo");
  const note = makeAttachment(source, index, "note");
  const store = made.open();
  await pull(source, "foo", store);
  const file = join(made.path, "index.json");
  const { manifests, ...members } = JSON.parse(readFileSync(file, "utf8"));
  for (let at = 0; at < 30_000; at++) {
    const digest = `sha256:${at.toString(16).padStart(64, "0")}`;
    manifests.push({ mediaType: note.mediaType, digest, size: 2 });
  }
  writeFileSync(file, JSON.stringify({ ...members, manifests }));
  const foo = store.repository(ref("foo"));
  await assert.rejects(() => foo.referrers(index, { signal: AbortSignal.abort() }), { code: "cancelled" });
  assert.deepEqual((await foo.referrers(index)).map(({ digest }) => digest), [note.digest]);
});

Deno.test("referrers that come and go are seen, whatever was remembered of others", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const { index } = makeImage(source, "foo");
  const first = makeAttachment(source, index, "first");
  const store = made.open();
  await pull(source, "foo", store);
  const digests = async () => (await store.repository(ref("foo")).referrers(index)).map(({ digest }) => digest).sort();
  assert.deepEqual(await digests(), [first.digest]);
  const second = makeAttachment(source, index, "second");
  await pull(source, "foo", store);
  assert.deepEqual(await digests(), [first.digest, second.digest].sort());
  removeBlob(made.path, first.digest);
  assert.deepEqual(await digests(), [second.digest]);
  await pull(source, "foo", store);
  assert.deepEqual(await digests(), [first.digest, second.digest].sort());
});

Deno.test("a referrer that was damaged when it was looked for is found once it is whole again", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const { index } = makeImage(source, "foo");
  const note = makeAttachment(source, index, "note");
  makeImage(source, "bar");
  const store = made.open();
  await pull(source, "foo", store);
  const digests = async () => (await store.repository(ref("foo")).referrers(index)).map(({ digest }) => digest);
  damage(made.path, note.digest);
  assert.deepEqual(await digests(), []);
  damage(made.path, note.digest);
  await pull(source, "bar", store);
  assert.deepEqual(await digests(), [note.digest]);
});
