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
import { copy, MemoryRepository, readVerified } from "../content/mod.ts";
import { hasCode } from "../error.ts";
import { acquireLock } from "../runtime/mod.ts";
import { digestHex, MediaType, REF_NAME_ANNOTATION } from "../oci/mod.ts";
import {
  blobFile,
  blobsIn,
  damage,
  entriesIn,
  makeAttachment,
  makeImage,
  pull,
  ref,
  removeBlob,
  run,
  scratch,
  scratchOfIg,
  writeStore,
} from "./_testing.ts";

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

Deno.test("repositoriesHolding knows by the names which repositories of a registry have a blob", async () => {
  using made = scratchOfIg();
  const store = made.open();
  const holding = await store.repositoriesHolding("127.0.0.1:5001");
  const index = { mediaType: MediaType.ociIndex, digest: HELLO, size: 936 } as const;
  assert.deepEqual(holding(index), ["fixture/hello"]);
  assert.deepEqual((await store.repositoriesHolding("quay.io"))(index), []);
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
  assert.match(warnings[0], /foo:latest has a part without a platform; `ig image list`.*crash.*--store/);
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
