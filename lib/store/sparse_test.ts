import assert from "node:assert/strict";
import { copy, MemoryRepository } from "../content/mod.ts";
import { MediaType, PLATFORMS_ANNOTATION } from "../oci/mod.ts";
import { blobsIn, entriesIn, makeImage, pull, ref, removeBlob, type Scratch, scratch } from "./_testing.ts";

const ARM64 = [{ os: "linux", architecture: "arm64" }];

/** A store with the arm64 content of an image, and that image in memory. */
async function sparse(made: Scratch) {
  const source = new MemoryRepository();
  const image = makeImage(source, "sparse");
  const store = made.open();
  await copy(source, image.index.digest, store.repository(ref("sparse")), { tag: "latest", platforms: ARM64 });
  return { source, image, store };
}

const platformsOf = (entry: { annotations?: unknown }) =>
  (entry.annotations as Record<string, string> | undefined)?.[PLATFORMS_ANNOTATION];

const damageOf = async (made: Scratch) => (await made.open().check()).damage.map(({ message }) => message);

Deno.test("what a sparse image leaves out is no damage, for check, list and tag", async () => {
  using made = scratch();
  const { store, image } = await sparse(made);
  assert.deepEqual(await damageOf(made), []);
  assert.deepEqual((await store.images()).map(({ state }) => state), ["ok"]);
  await store.tag(ref("sparse"), ref("other"));
  const roots = entriesIn(made.path).filter(({ digest }) => digest === image.index.digest);
  assert.deepEqual(roots.map((entry) => platformsOf({ annotations: entry.annotations })), [
    "linux/arm64",
    "linux/arm64",
  ]);
});

Deno.test("what a sparse image has is kept by gc, and its lack is damage", async () => {
  using made = scratch();
  const { store, image } = await sparse(made);
  const before = blobsIn(made.path);
  await store.gc({ minAge: 0, untagged: true });
  assert.deepEqual(blobsIn(made.path), before);
  removeBlob(made.path, image.layers[1].digest);
  assert.equal((await damageOf(made)).length, 1);
});

Deno.test("under another name the same image may be whole, and its lack is damage then", async () => {
  using made = scratch();
  const { source, store, image } = await sparse(made);
  await copy(source, image.index.digest, store.repository(ref("whole")), { tag: "latest" });
  assert.deepEqual(await damageOf(made), []);
  removeBlob(made.path, image.layers[0].digest);
  assert.match((await damageOf(made)).join(), new RegExp(image.layers[0].digest));
});

Deno.test("pulled as a whole, an image is not sparse any more", async () => {
  using made = scratch();
  const { source, store, image } = await sparse(made);
  await copy(source, image.index.digest, store.repository(ref("sparse")), { tag: "latest" });
  removeBlob(made.path, image.layers[0].digest);
  assert.equal((await damageOf(made)).length, 1);
});

Deno.test("content of other platforms that is there belongs to a sparse image, and goes with it", async () => {
  using made = scratch();
  const { source, store, image } = await sparse(made);
  await copy(source, image.manifests[0].digest, store.repository(ref("amd64")), { tag: "latest" });
  await store.remove(ref("amd64"));
  assert.ok(blobsIn(made.path).some((path) => path.includes(image.layers[0].digest.slice(7))));
  await store.remove(ref("sparse"));
  assert.deepEqual(blobsIn(made.path), []);
});

Deno.test("an index cannot say of its parts that they are sparse", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const { index, manifests } = makeImage(source, "inner");
  const lying = { ...index, annotations: { [PLATFORMS_ANNOTATION]: "linux/s390x" } };
  source.addManifest({ mediaType: MediaType.ociIndex, manifests: [lying] }, "v1");
  await pull(source, "v1", made.open(), "outer:v1");
  removeBlob(made.path, manifests[0].digest);
  assert.equal((await damageOf(made)).length, 1);
  assert.ok(entriesIn(made.path).every((entry) => platformsOf({ annotations: entry.annotations }) === undefined));
});

/** What the mark of a name says; `undefined` for a whole image. */
const markOf = (made: Scratch, name: string) =>
  platformsOf({
    annotations: entriesIn(made.path).find((entry) => entry.name?.endsWith(`/${name}:latest`))?.annotations,
  });

const AMD64 = [{ os: "linux", architecture: "amd64" }];

Deno.test("a sparse copy over the whole image takes nothing away, though its content be damaged", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const image = makeImage(source, "whole");
  const store = made.open();
  const take = (platforms?: typeof ARM64) =>
    copy(source, image.index.digest, store.repository(ref("whole")), { tag: "latest", platforms });
  await take();
  await take(ARM64);
  assert.equal(markOf(made, "whole"), undefined);
  removeBlob(made.path, image.layers[0].digest);
  await take(ARM64);
  assert.equal(markOf(made, "whole"), undefined);
  assert.match((await damageOf(made)).join(), new RegExp(image.layers[0].digest));
});

Deno.test("sparse copies add up, to the whole at last", async () => {
  using made = scratch();
  const { source, store, image } = await sparse(made);
  const more = source.addManifest({
    mediaType: MediaType.ociIndex,
    manifests: [
      ...image.manifests.map((each, at) => ({ ...each, platform: [...AMD64, ...ARM64][at] })),
      { ...makeImage(source, "third").manifests[0], platform: { os: "linux", architecture: "s390x" } },
    ],
  });
  const take = (architecture: string) =>
    copy(source, more.digest, store.repository(ref("more")), {
      tag: "latest",
      platforms: [{ os: "linux", architecture }],
    });
  await take("amd64");
  // That of arm64 has come with another image.
  assert.equal(markOf(made, "more"), "linux/amd64,linux/arm64");
  assert.equal(markOf(made, "sparse"), "linux/arm64");
  await take("s390x");
  assert.equal(markOf(made, "more"), undefined);
  assert.deepEqual(await damageOf(made), []);
});

Deno.test("what was there for a platform stays marked when another comes, so that its lack is seen", async () => {
  using made = scratch();
  const { source, store, image } = await sparse(made);
  removeBlob(made.path, image.layers[1].digest);
  await copy(source, image.index.digest, store.repository(ref("sparse")), { tag: "latest", platforms: AMD64 });
  assert.equal(markOf(made, "sparse"), "linux/amd64,linux/arm64");
  assert.match((await damageOf(made)).join(), new RegExp(image.layers[1].digest));
});

Deno.test("the whole image under another name makes the sparse one whole", async () => {
  using made = scratch();
  const { source, store, image } = await sparse(made);
  await copy(source, image.index.digest, store.repository(ref("other")), { tag: "latest" });
  assert.equal(markOf(made, "sparse"), undefined);
});

Deno.test("another name for a sparse image does not make a whole one sparse", async () => {
  using made = scratch();
  const { source, store, image } = await sparse(made);
  await copy(source, image.index.digest, store.repository(ref("other")), { tag: "latest" });
  removeBlob(made.path, image.layers[0].digest);
  await copy(source, image.index.digest, store.repository(ref("third")), { tag: "latest", platforms: ARM64 });
  await store.tag(ref("third"), ref("other"));
  assert.equal(markOf(made, "third"), "linux/arm64");
  assert.equal(markOf(made, "other"), undefined);
});

Deno.test("a name that moves to a sparse image is as sparse as that", async () => {
  using made = scratch();
  const { source, store, image } = await sparse(made);
  const other = makeImage(source, "before");
  await copy(source, other.index.digest, store.repository(ref("name")), { tag: "latest" });
  await copy(source, image.index.digest, store.repository(ref("name")), { tag: "latest", platforms: ARM64 });
  assert.equal(markOf(made, "name"), "linux/arm64");
});
