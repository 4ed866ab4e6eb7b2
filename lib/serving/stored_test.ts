import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fallbackTag, MemoryRepository } from "../content/mod.ts";
import type { SatchelError } from "../error.ts";
import { digestOf, formatRepository, parseReference } from "../oci/mod.ts";
import { damage, makeAttachment, makeImage, pull, ref, removeBlob, type Scratch, scratch } from "../store/_testing.ts";
import { CheckedFiles, type CheckedFilesOptions } from "./checked_files.ts";
import { storedRepositories } from "./stored.ts";

function serving(made: Scratch, options?: Partial<CheckedFilesOptions>) {
  const files = new CheckedFiles({ onDamaged: () => {}, ...options });
  const repositories = storedRepositories(made.open(), files);
  return { repositories, at: (name: string) => repositories.at(parseReference(name)) };
}

/** Lists so many manifests that looking for each of them takes a while; there are none. */
function listMany({ path }: Scratch): void {
  const file = join(path, "index.json");
  const index = JSON.parse(readFileSync(file, "utf8"));
  for (let at = 0; at < 30_000; at++) {
    const digest = `sha256:${at.toString(16).padStart(64, "0")}`;
    index.manifests.push({ mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 2 });
  }
  writeFileSync(file, JSON.stringify(index));
}

/** Takes entries out of index.json, as a tool would that does not list the parts of an index. */
function unlist({ path }: Scratch, digests: readonly string[]): void {
  const file = join(path, "index.json");
  const index = JSON.parse(readFileSync(file, "utf8"));
  index.manifests = index.manifests.filter(({ digest }: { digest: string }) => !digests.includes(digest));
  writeFileSync(file, JSON.stringify(index));
}

Deno.test("a manifest is found by its tag in its repository, and by its digest in any", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const { index, manifests } = makeImage(source, "foo");
  await pull(source, "foo", made.open(), "ghcr.io/team/foo:v1");
  const { at } = serving(made);
  assert.deepEqual((await at("ghcr.io/team/foo").manifest("v1"))?.descriptor, index);
  assert.equal(await at("ghcr.io/team/foo").manifest("v2"), undefined);
  assert.equal(await at("ghcr.io/other/foo").manifest("v1"), undefined);
  for (const each of [index, ...manifests]) {
    const found = await at("quay.io/never/seen").manifest(each.digest);
    assert.deepEqual(found?.descriptor, each);
    assert.equal(digestOf(found!.bytes), each.digest);
  }
});

Deno.test("a part of an index is found although only the index is listed, as long as that is", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const { index, manifests: [child], layers: [layer] } = makeImage(source, "foo");
  await pull(source, "foo", made.open());
  unlist(made, [child.digest]);
  const foo = serving(made).at("foo");
  assert.deepEqual((await foo.manifest(child.digest))?.descriptor, child);
  assert.equal(await foo.manifest(layer.digest), undefined, "a layer is no manifest");
  unlist(made, [index.digest]);
  assert.equal(await foo.manifest(child.digest), undefined);
});

Deno.test("what others do to the store is seen at the next request", async () => {
  using made = scratch();
  const { repositories, at } = serving(made);
  assert.deepEqual(await repositories.list(), []);
  assert.equal(await at("foo").tags(), undefined);
  const source = new MemoryRepository();
  const { index } = makeImage(source, "foo");
  await pull(source, "foo", made.open());
  await made.open().tag(ref("foo"), ref("quay.io/team/bar:v1"));
  assert.deepEqual((await repositories.list()).map(formatRepository), [
    "ghcr.io/inspektor-gadget/gadget/foo",
    "quay.io/team/bar",
  ]);
  assert.deepEqual((await at("quay.io/team/bar").manifest("v1"))?.descriptor, index);
  await made.open().remove(ref("quay.io/team/bar:v1"));
  assert.equal(await at("quay.io/team/bar").manifest("v1"), undefined);
});

Deno.test("a tag that is stored with its digest is one, unless there are several", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const [one, two] = [makeImage(source, "one").index, makeImage(source, "two").index];
  const store = made.open();
  await pull(source, "one", store, `team/foo:v1@${one.digest}`, { tag: one.digest });
  await store.tag(`ghcr.io/team/foo:v1@${one.digest}`, ref(`team/bar@${one.digest}`));
  const { at } = serving(made);
  assert.deepEqual(await at("team/foo").tags(), ["v1"]);
  assert.deepEqual((await at("team/foo").manifest("v1"))?.descriptor, one);
  assert.deepEqual(await at("team/bar").tags(), [], "a digest alone is no tag");
  await pull(source, "two", store, `team/foo:v1@${two.digest}`, { tag: two.digest });
  assert.deepEqual(await at("team/foo").tags(), []);
  makeImage(source, "three");
  const { digest: third } = await source.resolve("three").then(({ descriptor }) => descriptor);
  await pull(source, "three", store, `team/foo:v1@${third}`, { tag: third });
  assert.deepEqual(await at("team/foo").tags(), []);
  await store.tag(ref(`team/foo@${two.digest}`), ref("team/foo:v1"));
  assert.deepEqual((await at("team/foo").manifest("v1"))?.descriptor, two);
});

Deno.test("tags of attachments are those of the repositories that have what they are attached to", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const store = made.open();
  const foo = makeImage(source, "foo");
  const [ofIndex, ofChild] = [foo.index, foo.manifests[0]].map(({ digest }) => `${fallbackTag(digest)}.sig`);
  const signature = makeAttachment(source, foo.index, "signature", ofIndex);
  const ofSignature = `${fallbackTag(signature.digest)}.att`;
  makeAttachment(source, foo.manifests[0], "of a child", ofChild);
  makeAttachment(source, signature, "of a signature", ofSignature);
  makeImage(source, "bar");
  await pull(source, "foo", store, "team/foo:v1");
  await store.tag(ref("team/foo:v1"), ref("quay.io/team/copy:v1"));
  await pull(source, "bar", store, "team/bar:v1");
  const { repositories, at } = serving(made);
  for (const name of ["team/foo", "quay.io/team/copy"]) {
    assert.deepEqual(await at(name).tags(), [ofIndex, ofChild, ofSignature, "v1"].sort());
  }
  assert.deepEqual(await at("team/bar").tags(), ["v1"]);
  assert.deepEqual((await at("team/foo").manifest(ofIndex))?.descriptor, signature);
  assert.equal((await repositories.list()).length, 3, "an attachment is no repository");
});

Deno.test("what is listed as something else than a manifest is not sent as one", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const { config } = makeImage(source, "foo");
  await pull(source, "foo", made.open());
  const file = join(made.path, "index.json");
  const index = JSON.parse(readFileSync(file, "utf8"));
  const annotations = { "org.opencontainers.image.ref.name": "ghcr.io/team/page:v1" };
  index.manifests.push({ ...config, mediaType: "text/html", annotations });
  writeFileSync(file, JSON.stringify(index));
  const { at } = serving(made);
  assert.equal(await at("team/page").manifest("v1"), undefined);
  assert.equal(await at("team/page").manifest(config.digest), undefined);
});

Deno.test("referrers are found for who has left as well, since others may ask for them", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const { index } = makeImage(source, "foo");
  const note = makeAttachment(source, index, "note");
  await pull(source, "foo", made.open());
  listMany(made);
  const foo = serving(made).at("foo");
  const left = AbortSignal.abort(new Error("the client has left"));
  assert.equal((await foo.referrers(index.digest, { signal: left })).length, 1);
  const [found, ...more] = await foo.referrers(index.digest);
  assert.equal(found.digest, note.digest);
  assert.equal(found.artifactType, "application/vnd.example.note");
  assert.deepEqual(more, []);
  assert.deepEqual(await foo.referrers(note.digest), []);
});

Deno.test("a damaged manifest is not sent, and one that is gone is not there", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const { index, manifests: [child] } = makeImage(source, "foo");
  await pull(source, "foo", made.open());
  const foo = serving(made).at("foo");
  damage(made.path, index.digest);
  await assert.rejects(() => foo.manifest("latest"), { code: "integrity" });
  removeBlob(made.path, child.digest);
  assert.equal(await foo.manifest(child.digest), undefined);
});

Deno.test("a small blob is hashed before it is sent, and again when its file has changed", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const { config } = makeImage(source, "foo");
  await pull(source, "foo", made.open());
  const told: SatchelError[] = [];
  const foo = serving(made, { onDamaged: (error) => told.push(error) }).at("foo");
  assert.equal((await foo.blob(config.digest))?.size, config.size);
  damage(made.path, config.digest);
  await assert.rejects(() => foo.blob(config.digest), { code: "integrity" });
  await assert.rejects(() => foo.blob(config.digest), { code: "integrity" });
  assert.equal(told.length, 1, "it is told once");
  damage(made.path, config.digest);
  assert.equal((await foo.blob(config.digest))?.size, config.size, "its bytes are right again");
  removeBlob(made.path, config.digest);
  assert.equal(await foo.blob(config.digest), undefined);
});

Deno.test("a large blob is sent at once and hashed beside; if it is damaged, it is not sent again", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const big = new Uint8Array(3_000_000).fill(7);
  const [good, bad] = [source.add("application/x", big), source.add("application/x", big.with(0, 8))];
  const config = source.add("application/vnd.oci.empty.v1+json", "{}");
  source.addManifest({ mediaType: "application/vnd.oci.image.manifest.v1+json", config, layers: [good, bad] }, "big");
  await pull(source, "big", made.open());
  damage(made.path, bad.digest);
  const told = Promise.withResolvers<SatchelError>();
  const foo = serving(made, { onDamaged: told.resolve, hashDelay: 0 }).at("big");
  assert.equal((await foo.blob(good.digest))?.isHashed, false);
  assert.equal((await foo.blob(bad.digest))?.size, bad.size);
  assert.match((await told.promise).message, new RegExp(bad.digest));
  await assert.rejects(() => foo.blob(bad.digest), { code: "integrity" });
  assert.equal((await foo.blob(good.digest))?.isHashed, true);
});
