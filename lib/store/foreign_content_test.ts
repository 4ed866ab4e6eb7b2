import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { copy, MemoryRepository } from "../content/mod.ts";
import { digestHex, MediaType, REF_NAME_ANNOTATION } from "../oci/mod.ts";
import {
  blobFile,
  blobsIn,
  damage,
  makeAttachment,
  makeImage,
  pull,
  ref,
  run,
  scratch,
  scratchOfIg,
  writeStore,
} from "./_testing.ts";

const HELLO = "sha256:e38971200f97ea6b65a97a258b408dbeb4486a4f8aed52a428073fd13f0dd228";
const GADGET = "ghcr.io/inspektor-gadget/gadget";

Deno.test("a folder with somebody's other files does not become a store", async () => {
  using made = scratch();
  mkdirSync(made.path);
  writeFileSync(join(made.path, "thesis.tex"), "");
  const store = made.open();
  const source = new MemoryRepository();
  makeImage(source, "v1");
  await assert.rejects(pull(source, "v1", store), /is not a store and not empty: it holds "thesis.tex"/);
  assert.equal(existsSync(join(made.path, "oci-layout")), false);
});

Deno.test("a blob that is a link, a folder or a FIFO is damage, stops nothing, and goes with its image", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { manifests, layers } = makeImage(source, "v1");
  await pull(source, "v1", store);
  const wrong = [manifests[0], layers[1]].map(({ digest }) => blobFile(made.path, digest));
  const makers: ((path: string) => void)[] = [
    (path) => symlinkSync("/etc/passwd", path),
    (path) => run("mkfifo", path),
    (path) => mkdirSync(path),
  ];
  for (const make of makers) {
    for (const path of wrong) {
      rmSync(path, { recursive: true });
      make(path);
    }
    assert.equal((await store.images())[0].state, "damaged");
    assert.equal((await store.check()).damage.length, 2);
    await store.gc({ minAge: 0 });
    await assert.rejects(store.tag(ref("v1"), ref("v2")), /is damaged in/);
  }
  for (const path of wrong) {
    rmSync(path, { recursive: true });
    symlinkSync("/etc/passwd", path);
  }
  await store.remove(ref("v1"));
  assert.equal(existsSync("/etc/passwd"), true);
  assert.deepEqual(blobsIn(made.path), []);
});

Deno.test("gc removes a link that is named as a blob which nothing needs, not what it leads to", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  makeImage(source, "v1");
  await pull(source, "v1", store);
  const link = join(made.path, "blobs/sha256", "f".repeat(64));
  symlinkSync("/etc/passwd", link);
  assert.deepEqual((await store.check()).garbage.map(({ kind, path }) => [kind, path]), [["stray", link]]);
  await store.gc({ minAge: 0 });
  assert.equal(lstatSync(link, { throwIfNoEntry: false }), undefined);
  assert.equal(existsSync("/etc/passwd"), true);
});

Deno.test("an entry that satchel does not understand survives, and so does all else that the index says", async () => {
  using made = scratch();
  const foreign = { mediaType: "application/x", digest: "blake3:00", size: 1, unheard: { of: [1] } };
  const odd = {
    mediaType: MediaType.ociIndex,
    digest: HELLO,
    size: 3,
    data: "e30=",
    zed: 1,
    annotations: { b: "<", a: "é" },
  };
  const annotations = { "z.z": "1", "a.a": "2" };
  writeStore(made.path, JSON.stringify({ schemaVersion: 2, manifests: [odd, foreign], annotations, dropped: true }));
  const store = made.open();
  const source = new MemoryRepository();
  const config = source.add(MediaType.empty, "{}");
  const { digest, size } = source.addManifest({ mediaType: MediaType.ociManifest, config, layers: [] }, "v1");
  await pull(source, "v1", store, "foo");
  assert.equal(
    readFileSync(join(made.path, "index.json"), "utf8"),
    '{"schemaVersion":2,"manifests":[' +
      `{"mediaType":"${MediaType.ociManifest}","digest":"${digest}","size":${size},` +
      `"annotations":{"${REF_NAME_ANNOTATION}":"${GADGET}/foo:latest"}},` +
      '{"mediaType":"application/x","digest":"blake3:00","size":1,"unheard":{"of":[1]}},' +
      `{"mediaType":"${MediaType.ociIndex}","digest":"${HELLO}","size":3,` +
      '"annotations":{"a":"é","b":"\\u003c"},"data":"e30=","zed":1}],' +
      '"annotations":{"a.a":"2","z.z":"1"}}',
  );
});

Deno.test("manifests: null, and no index at all, are an empty store", async () => {
  using made = scratch();
  writeStore(made.path, '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":null}');
  assert.deepEqual(await made.open().images({ all: true }), []);
  Deno.removeSync(join(made.path, "index.json"));
  assert.deepEqual(await made.open().images({ all: true }), []);
});

Deno.test("the mode of an index that is there is kept", async () => {
  using made = scratchOfIg();
  chmodSync(join(made.path, "index.json"), 0o640);
  await made.open().tag(ref("hello"), ref("copy"));
  assert.equal(statSync(join(made.path, "index.json")).mode & 0o777, 0o640);
});

Deno.test("referrers are found by their subject and by a fallback index; damaged ones are left out", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { index } = makeImage(source, "v1");
  const note = makeAttachment(source, index, "a note");
  const broken = makeAttachment(source, index, "a broken note");
  await pull(source, "v1", store);
  const repository = store.repository(ref("v1"));
  // What a registry without the referrers API has, as ig stores it.
  const listed = makeAttachment(source, index, "listed", "listed");
  const fallback = source.addManifest(
    { mediaType: MediaType.ociIndex, manifests: [listed, note] },
    `sha256-${digestHex(index.digest)}`,
  );
  await copy(source, fallback.digest, repository, { tag: `sha256-${digestHex(index.digest)}`, referrers: false });
  damage(made.path, broken.digest);
  const found = await repository.referrers(index);
  assert.deepEqual(found.map(({ digest }) => digest).sort(), [listed.digest, note.digest].sort());
  assert.equal(found[0].artifactType, "application/vnd.example.note");
  assert.deepEqual(await repository.referrers(note), []);
});

Deno.test("an index without platforms is warned of in ig's own store, where ig would crash on it", async () => {
  using made = scratch(".ig/oci-store");
  using elsewhere = scratch();
  const source = new MemoryRepository();
  const { manifests } = makeImage(source, "v1");
  source.addManifest({ mediaType: MediaType.ociIndex, manifests }, "bare");
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  await pull(source, "v1", made.open({ onWarning }), "fine");
  await pull(source, "bare", elsewhere.open({ onWarning }), "foo");
  assert.deepEqual(warnings, []);
  await pull(source, "bare", made.open({ onWarning }), "foo");
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /foo:latest has a part without a platform; `ig image list`.*crash.*another store/);
});

Deno.test("the store's folder may be a link that this user made, but no file in it may be one", async () => {
  using made = scratchOfIg();
  const link = join(made.folder, "link");
  symlinkSync(made.path, link);
  const { openStore } = await import("./mod.ts");
  assert.equal((await openStore({ path: link }).images()).length, 3);
  const index = join(made.path, "index.json");
  Deno.renameSync(index, join(made.folder, "real"));
  symlinkSync(join(made.folder, "real"), index);
  await assert.rejects(made.open().images(), /index.json: it is a symbolic link/);
});
