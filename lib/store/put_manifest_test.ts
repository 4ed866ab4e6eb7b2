import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contentOf, MemoryRepository } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { type Descriptor, type Digest, MediaType } from "../oci/mod.ts";
import { blobFile, blobsIn, entriesIn, makeAttachment, makeImage, pull, ref, removeBlob, scratch } from "./_testing.ts";
import { layoutOf } from "./layout.ts";
import type { Store } from "./mod.ts";
import { putManifest } from "./put_manifest.ts";

const source = new MemoryRepository();
const image = makeImage(source, "image");
const repository = ref("example.org/demo");

function bytesOf(digest: Digest): Uint8Array {
  return source.contents.get(digest)!.bytes;
}

/** As an upload of a blob ends. */
async function bring(store: Store, ...contents: Descriptor[]): Promise<void> {
  const target = store.repository(repository);
  await target.prepare();
  for (const content of contents) await target.push(content, contentOf(bytesOf(content.digest)));
}

/** What an image's manifest needs. */
async function bringBelow(store: Store, { digest }: Descriptor): Promise<void> {
  const { config, layers } = JSON.parse(new TextDecoder().decode(bytesOf(digest)));
  await bring(store, config, ...layers);
}

function put(store: Store, descriptor: Descriptor, ...tags: string[]): Promise<Descriptor[]> {
  return store.putManifest(repository, { descriptor, bytes: bytesOf(descriptor.digest), tags });
}

const digestsOf = (descriptors: { digest: Digest }[]) => descriptors.map(({ digest }) => digest);

Deno.test("an image that comes part by part is as one that was pulled", async () => {
  using pushed = scratch();
  const store = pushed.open();
  await bring(store, image.config, ...image.layers);
  for (const manifest of image.manifests) assert.deepEqual(await put(store, manifest), []);
  assert.deepEqual(await put(store, image.index, "v1"), []);
  assert.deepEqual((await store.check()).garbage, []);

  using pulled = scratch();
  await pull(source, "image", pulled.open(), "example.org/demo:v1");
  assert.deepEqual(entriesIn(pushed.path), entriesIn(pulled.path));
  assert.deepEqual(blobsIn(pushed.path), blobsIn(pulled.path));
});

Deno.test("all that is missing below a manifest is told, however deep, and nothing is taken in", async () => {
  using made = scratch();
  const store = made.open();
  assert.deepEqual(digestsOf(await put(store, image.index, "v1")), digestsOf(image.manifests));
  await bring(store, image.config, image.layers[0], ...image.manifests);
  assert.deepEqual(digestsOf(await put(store, image.index, "v1")), digestsOf([image.layers[1]]));
  assert.throws(() => statSync(blobFile(made.path, image.index.digest)), { code: "ENOENT" });
  assert.deepEqual(entriesIn(made.path), []);
  await bring(store, image.layers[1]);
  assert.deepEqual(await put(store, image.index, "v1"), []);
  assert.equal(entriesIn(made.path).length, 3);
});

Deno.test("a blob of another size than its descriptor says is missing", async () => {
  using made = scratch();
  const store = made.open();
  await bring(store, image.config, ...image.layers);
  const larger = { ...image.layers[0], size: image.layers[0].size + 1 };
  const manifest = source.addManifest({ mediaType: MediaType.ociManifest, config: image.config, layers: [larger] });
  assert.deepEqual(digestsOf(await put(store, manifest, "v1")), [larger.digest]);
});

Deno.test("a blob that is known to be damaged is missing", async () => {
  using made = scratch();
  const store = made.open();
  await bring(store, image.config, ...image.layers);
  const [manifest] = image.manifests;
  const pushed = { descriptor: manifest, bytes: bytesOf(manifest.digest), tags: ["v1"] };
  const isDamaged = (digest: Digest) => digest === image.config.digest;
  assert.deepEqual(digestsOf(await store.putManifest(repository, pushed, { isDamaged })), [image.config.digest]);
  assert.deepEqual(entriesIn(made.path), []);
});

Deno.test("layers that must stay elsewhere, and a subject that is not there, are not asked for", async () => {
  using made = scratch();
  const store = made.open();
  const subject = makeImage(source, "absent").index;
  await bring(store, image.config);
  const foreign = { ...image.layers[0], mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar" };
  const body = { mediaType: MediaType.ociManifest, config: image.config, layers: [foreign], subject };
  const manifest = source.addManifest(body);
  assert.deepEqual(await put(store, manifest), []);
  const referrers = await store.repository(repository).referrers(subject);
  assert.deepEqual(digestsOf(referrers), [manifest.digest]);
});

Deno.test("what is below a manifest as one must be one", async () => {
  using made = scratch();
  const store = made.open();
  const text = source.add("text/plain", "no manifest");
  await bring(store, text);
  const child = { ...text, mediaType: MediaType.ociManifest };
  const index = source.addManifest({ mediaType: MediaType.ociIndex, manifests: [child] });
  await assert.rejects(put(store, index, "v1"), { code: "invalid" });
  assert.deepEqual(entriesIn(made.path), []);
});

Deno.test("a broken index is not taken for a broken manifest", async () => {
  using made = scratch();
  const store = made.open();
  await bring(store, image.config, ...image.layers);
  writeFileSync(join(made.path, "index.json"), "{");
  await assert.rejects(put(store, image.manifests[0], "v1"), { code: "storage" });
});

Deno.test("a part that claims to be there for some platforms only has to be whole all the same", async () => {
  using made = scratch();
  const store = made.open();
  await bring(store, image.config, image.layers[0], ...image.manifests);
  const child = { ...image.index, annotations: { "io.satchel.image.platforms": "linux/amd64" } };
  const outer = source.addManifest({ mediaType: MediaType.ociIndex, manifests: [child] });
  await bring(store, image.index);
  assert.deepEqual(digestsOf(await put(store, outer, "v1")), [image.layers[1].digest]);
});

Deno.test("a tag moves, and what it stood for stays without a name", async () => {
  using made = scratch();
  const store = made.open();
  const other = makeImage(source, "other");
  await bring(store, image.config, other.config, ...image.layers, ...other.layers);
  await bring(store, ...image.manifests, ...other.manifests);
  await put(store, image.index, "v1", "latest");
  await put(store, other.index, "v1");
  assert.equal((await store.resolve(ref("example.org/demo:v1"))).digest, other.index.digest);
  assert.equal((await store.resolve(ref("example.org/demo:latest"))).digest, image.index.digest);
});

Deno.test("a digest is removed with its names of one repository, and with the last one the image", async () => {
  using made = scratch();
  const store = made.open();
  await pull(source, "image", store, "example.org/demo:v1");
  await store.tag(ref("example.org/demo:v1"), ref("example.org/demo:v2"));
  await store.tag(ref("example.org/demo:v1"), ref("other.org/demo:v1"));
  const { digest } = image.index;
  assert.equal(await store.removeManifest(ref("third.org/demo"), digest), false);
  assert.equal(await store.removeManifest(repository, digest), true);
  assert.deepEqual(await store.names(), ["other.org/demo:v1"]);
  assert.equal(await store.removeManifest(repository, digest), false);
  assert.equal(await store.removeManifest(ref("other.org/demo"), digest), true);
  assert.deepEqual(blobsIn(made.path), []);
  assert.deepEqual(entriesIn(made.path), []);
});

Deno.test("a manifest without a name is removed by its digest, also one that refers to another, unless an index needs it", async () => {
  using made = scratch();
  const store = made.open();
  const noted = makeImage(source, "noted");
  await pull(source, "noted", store, "example.org/demo:v1");
  const [child] = noted.manifests;
  await assert.rejects(store.removeManifest(repository, child.digest), { code: "refused" });
  const note = makeAttachment(source, noted.index, "a note");
  await bringBelow(store, note);
  await put(store, note);
  assert.equal((await store.repository(repository).referrers(noted.index)).length, 1);
  assert.equal(await store.removeManifest(repository, note.digest), true);
  assert.deepEqual(await store.repository(repository).referrers(noted.index), []);
  assert.equal(await store.removeManifest(repository, note.digest), false);
  assert.equal((await store.resolve(ref("example.org/demo:v1"))).digest, noted.index.digest);
  assert.deepEqual((await store.check()).damage, []);
});

Deno.test("a part of an image is not removed by its digest, whether or not it has a name of its own", async () => {
  using made = scratch();
  const store = made.open();
  await pull(source, "image", store, "example.org/demo:v1");
  const [child] = image.manifests;
  await put(store, child, "amd64");
  const before = { blobs: blobsIn(made.path), entries: entriesIn(made.path) };
  await assert.rejects(store.removeManifest(repository, child.digest), { code: "refused" });
  assert.deepEqual({ blobs: blobsIn(made.path), entries: entriesIn(made.path) }, before);
  await store.remove(ref("example.org/demo:amd64"));
  assert.deepEqual(await store.names(), ["example.org/demo:v1"]);
  assert.equal(await store.removeManifest(repository, image.index.digest), true);
  assert.deepEqual(blobsIn(made.path), []);
});

Deno.test("what refers to a manifest goes with it", async () => {
  using made = scratch();
  const store = made.open();
  const noted = makeImage(source, "noted as well");
  await pull(source, "noted as well", store, "example.org/demo:v1");
  const note = makeAttachment(source, noted.index, "another note");
  await bringBelow(store, note);
  await put(store, note);
  assert.equal(await store.removeManifest(repository, noted.index.digest), true);
  assert.deepEqual(blobsIn(made.path), []);
});

Deno.test("a blob is removed if no listed manifest needs it", async () => {
  using made = scratch();
  const store = made.open();
  await pull(source, "image", store, "example.org/demo:v1");
  const loose = source.add("text/plain", "loose");
  await bring(store, loose);
  assert.equal(await store.removeBlob(loose.digest), true);
  assert.equal(await store.removeBlob(loose.digest), false);
  for (const { digest } of [image.config, image.manifests[0], image.index]) {
    await assert.rejects(store.removeBlob(digest), { code: "refused" });
  }
  assert.deepEqual((await store.check()).damage, []);
});

Deno.test("content that vanishes again and again while a manifest is taken in is not named", async () => {
  using made = scratch();
  const store = made.open();
  await bring(store, image.config, ...image.layers, ...image.manifests);
  // Whoever removes is faster each time: between the look and the lock.
  const { digest } = image.layers[0];
  const putting = put(store, image.index, "v1");
  removeBlob(made.path, digest);
  const missing = await putting.catch((error) => {
    assert.equal(error.code, "content-lost");
    return [image.layers[0]];
  });
  assert.deepEqual(digestsOf(missing), [digest]);
  assert.deepEqual(entriesIn(made.path), []);
});

Deno.test("who loses to others again and again is told so after five tries", async () => {
  using made = scratch();
  await bring(made.open(), image.config, ...image.layers);
  const layout = layoutOf({ path: made.path });
  const [manifest] = image.manifests;
  const pushed = { descriptor: manifest, bytes: bytesOf(manifest.digest), tags: ["v1"] };
  let tries = 0;
  const lost = async () => {
    if (++tries > 20) throw new Error("it goes on and on");
    throw new SatchelError("content-lost", "somebody removed it");
  };
  await assert.rejects(putManifest(layout, repository, pushed, lost), { code: "content-lost" });
  assert.equal(tries, 5);
});
