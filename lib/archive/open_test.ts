import { strict as assert } from "node:assert";
import { gzipSync } from "node:zlib";
import { attach, cosignTag, makeImage } from "../content/_testing.ts";
import { type Content, MemoryRepository } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { type Descriptor, digestHex, digestOf, MediaType } from "../oci/mod.ts";
import { bytesOf, type Entry, type Files, filesOf, layoutOf, passing } from "./_testing_layout.ts";
import { PLATFORMS_ANNOTATION } from "./archive.ts";
import { archiveOf } from "./open.ts";

const FULL = "example.org/a/b:v1";
const OPTIONS = { spoolFolder: "/nonexistent" };

/** An image with a signature by tag, an SBOM that refers to it, and a referrer of that. */
function signed() {
  const repository = new MemoryRepository();
  const { index, platforms } = makeImage(repository);
  const sbom = attach(repository, index, "application/example.sbom");
  const note = attach(repository, sbom, "application/example.note");
  const signature = repository.addManifest({
    mediaType: MediaType.ociManifest,
    config: repository.add(MediaType.empty, "{}"),
    layers: [],
  });
  const entries: Entry[] = [
    [index, FULL],
    ...platforms.map(({ manifest }): Entry => [manifest]),
    [sbom],
    [note],
    [signature, cosignTag(index, ".sig")],
  ];
  return { repository, index, platforms, sbom, note, signature, entries };
}

const names = (images: readonly { name?: string }[]) => images.map(({ name }) => name);

Deno.test("images are what has a name, not what belongs to others", async () => {
  const { repository, entries, index, sbom, note, signature } = signed();
  await using archive = await archiveOf(filesOf(layoutOf(repository, entries)), OPTIONS);
  assert.deepEqual(names(archive.images), [FULL]);
  assert.deepEqual((await archive.source.referrers(index)).map(({ digest }) => digest), [sbom.digest]);
  assert.deepEqual((await archive.source.referrers(sbom)).map(({ digest }) => digest), [note.digest]);
  assert.deepEqual((await archive.source.resolve(cosignTag(index, ".sig"))).descriptor, signature);
  assert.deepEqual((await archive.source.resolve(FULL)).descriptor, index);
  assert.deepEqual((await archive.source.resolve(sbom.digest)).descriptor, sbom);
  await assert.rejects(archive.source.resolve("v1"), { code: "not-found" });
});

Deno.test("of what has no name, only what is no part of anything else is an image", async () => {
  const { repository, entries, index } = signed();
  const nameless = entries.map(([descriptor, name]): Entry => [descriptor, name === FULL ? undefined : name]);
  await using archive = await archiveOf(filesOf(layoutOf(repository, nameless)), OPTIONS);
  assert.deepEqual(archive.images.map(({ descriptor }) => descriptor), [index]);
});

Deno.test("a part that the list does not name is no image, and can be had all the same", async () => {
  const repository = new MemoryRepository();
  const { index } = makeImage(repository);
  const outer = repository.addManifest({ mediaType: MediaType.ociIndex, manifests: [index] });
  await using archive = await archiveOf(filesOf(layoutOf(repository, [[outer, FULL]])), OPTIONS);
  assert.equal(archive.images.length, 1);
  assert.deepEqual((await archive.source.resolve(index.digest)).descriptor, index);
});

Deno.test("what a fallback tag lists refers to the subject", async () => {
  const { repository, index, sbom, entries } = signed();
  const other = repository.addManifest({ mediaType: MediaType.ociManifest, config: sbom, layers: [], annotations: {} });
  const fallback = repository.addManifest({ mediaType: MediaType.ociIndex, manifests: [other] });
  const files = layoutOf(repository, [...entries, [fallback, cosignTag(index, "")], [other]]);
  await using archive = await archiveOf(filesOf(files), OPTIONS);
  assert.deepEqual(
    (await archive.source.referrers(index)).map(({ digest }) => digest).sort(),
    [sbom.digest, other.digest].sort(),
  );
  assert.deepEqual(names(archive.images), [FULL]);
});

Deno.test("a sparse image says which platforms it has, and needs no others", async () => {
  const repository = new MemoryRepository();
  const { index, platforms } = makeImage(repository);
  repository.contents.delete(platforms[1].manifest.digest);
  const entry = { "org.opencontainers.image.ref.name": FULL, [PLATFORMS_ANNOTATION]: "linux/amd64" };
  const stream = passing(layoutOf(repository, [[index, entry], [platforms[0].manifest]]));
  await using archive = await archiveOf(stream, OPTIONS);
  assert.deepEqual(archive.images[0].platforms, [{ os: "linux", architecture: "amd64" }]);
  assert.equal(stream.spooled, false);
});

Deno.test("a stream in satchel's order is read in one pass, and what is wanted of it is checked", async () => {
  const { repository, entries, platforms, index } = signed();
  const stream = passing(layoutOf(repository, entries));
  await using archive = await archiveOf(stream, OPTIONS);
  assert.deepEqual(names(archive.images), [FULL]);
  assert.deepEqual((await archive.source.resolve(FULL)).descriptor, index);
  const target = new MemoryRepository();
  const absent = repository.add("a/b", "absent");
  const wanted = [...platforms.map(({ layer }) => layer), absent];
  let bytes = 0;
  const { missing } = await archive.pour!(target, wanted, { onBytes: (more) => bytes += more });
  assert.deepEqual(missing, [absent]);
  assert.deepEqual([...target.contents.keys()].sort(), platforms.map(({ layer }) => layer.digest).sort());
  assert.equal(bytes, platforms.reduce((sum, { layer }) => sum + layer.size, 0));
  assert.equal(stream.announced, bytes + absent.size);
  assert.equal(stream.spooled, false);
});

Deno.test("a stream in another order is spooled", async () => {
  const { repository, entries } = signed();
  const files = layoutOf(repository, entries);
  for (const order of [[...files].reverse(), [...files].toSorted(([a], [b]) => a < b ? 1 : -1)]) {
    const stream = passing(new Map(order));
    await using archive = await archiveOf(stream, OPTIONS);
    assert.deepEqual([names(archive.images), stream.spooled, archive.pour], [[FULL], true, undefined]);
  }
});

Deno.test("what goes by with wrong bytes is told, and what came before it stays", async () => {
  const { repository, entries, platforms: [{ layer }, { layer: damaged }] } = signed();
  const files = layoutOf(repository, entries);
  files.set(`blobs/sha256/${digestHex(damaged.digest)}`, new Uint8Array(damaged.size));
  const pour = async (onDamaged?: (descriptor: Descriptor) => void) => {
    await using archive = await archiveOf(passing(files), OPTIONS);
    const target = new MemoryRepository();
    await archive.pour!(target, [layer, damaged], { onDamaged });
    return [...target.contents.keys()];
  };
  await assert.rejects(pour(), { code: "integrity", message: new RegExp(damaged.digest) });
  const told: Descriptor[] = [];
  assert.deepEqual(await pour((descriptor) => told.push(descriptor)), [layer.digest]);
  assert.deepEqual(told, [damaged]);
});

Deno.test("what is there already is not taken again", async () => {
  const { repository, entries, platforms: [{ layer }] } = signed();
  await using archive = await archiveOf(passing(layoutOf(repository, entries)), OPTIONS);
  class Full extends MemoryRepository {
    override async push(descriptor: Descriptor, content: Content) {
      for await (const _ of content.open()) throw new Error(`${descriptor.digest} was read`);
    }
  }
  const target = new Full();
  target.contents.set(layer.digest, repository.contents.get(layer.digest)!);
  assert.deepEqual(await archive.pour!(target, [layer]), { missing: [] });
});

for (const [what, files, message] of broken()) {
  Deno.test(`${what} is an error that says so`, async () => {
    for (const container of [filesOf(files), passing(files, "x.tar")]) {
      await assert.rejects(archiveOf(container, OPTIONS), (error) => {
        assert.ok(error instanceof SatchelError, String(error));
        assert.equal(error.code, "invalid");
        assert.match(error.message, message);
        return true;
      });
    }
  });
}

function broken(): [string, Files, RegExp][] {
  const { repository, entries } = signed();
  const good = layoutOf(repository, entries);
  const changed = (changes: Record<string, string | Uint8Array | undefined>): Files => {
    const files = new Map(good);
    for (const [path, content] of Object.entries(changes)) {
      if (content === undefined) files.delete(path);
      else files.set(path, typeof content === "string" ? bytesOf(content) : content);
    }
    return files;
  };
  const index = (manifests: unknown) => changed({ "index.json": JSON.stringify({ schemaVersion: 2, manifests }) });
  return [
    ["an empty archive", new Map(), /x\.tar is no archive of images: it has no oci-layout and no manifest\.json/],
    ["no oci-layout", changed({ "oci-layout": undefined }), /it has no oci-layout/],
    ["no index.json", changed({ "index.json": undefined }), /it has no index\.json/],
    [
      "an unknown version",
      changed({ "oci-layout": '{"imageLayoutVersion":"2.0.0"}' }),
      /version "2\.0\.0"; known is 1\.0\.0/,
    ],
    ["no version", changed({ "oci-layout": "{}" }), /has no version/],
    ["an index that is no JSON", changed({ "index.json": "{oops" }), /index\.json of x\.tar is not JSON/],
    ["an index of another schema", changed({ "index.json": '{"schemaVersion":1}' }), /schemaVersion 1, not 2/],
    ["an index without a list", index({}), /manifests is not a list/],
    [
      "an entry that is no descriptor",
      index([{ digest: 1 }]),
      /manifests\[0\] of index\.json of x\.tar has no valid mediaType/,
    ],
    [
      "too many entries",
      changed({ "index.json": `{"manifests":[${"{},".repeat(50_000)}{}]}` }),
      /more than 50000 entries/,
    ],
    [
      "too many values elsewhere in the index",
      changed({ "index.json": `{"manifests":[],"x":{"y":[${"[],".repeat(500_000)}{}]}}` }),
      /more than 1000000 values/,
    ],
    ["too large an index", changed({ "index.json": new Uint8Array(17 * 1024 * 1024) }), /is too large: 17825792 bytes/],
    ["a docker archive that is no list", new Map([["manifest.json", bytesOf("{}")]]), /is not a list of images/],
  ];
}

/** What `docker save` wrote: a config, a layer, a list. */
function docker(layer: Uint8Array, changes: Partial<{ diffId: string; tags: string[] | null; layers: string[] }> = {}) {
  const { diffId = digestOf(layer), tags = ["busybox:1"], layers = ["abc/layer.tar"] } = changes;
  const config = bytesOf(JSON.stringify({ rootfs: { type: "layers", diff_ids: [diffId] } }));
  const name = `${digestHex(digestOf(config))}.json`;
  const files: Files = new Map([
    ["abc/layer.tar", layer],
    [name, config],
    ["manifest.json", bytesOf(JSON.stringify([{ Config: name, RepoTags: tags, Layers: layers }]))],
  ]);
  return { files, config };
}

Deno.test("what docker save wrote gets the manifest that crane would push", async () => {
  const layer = gzipSync(bytesOf("a layer"));
  const { files, config } = docker(layer, { diffId: digestOf(bytesOf("a layer")) });
  await using archive = await archiveOf(filesOf(files), OPTIONS);
  const [{ name, containerdName, descriptor }] = archive.images;
  assert.deepEqual([name, containerdName], ["busybox:1", "docker.io/library/busybox:1"]);
  const target = new MemoryRepository();
  await target.push(descriptor, { open: () => archive.source.fetch(descriptor) });
  assert.equal(
    new TextDecoder().decode(target.contents.get(descriptor.digest)!.bytes),
    `{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",` +
      `"config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":${config.length},"digest":"${
        digestOf(config)
      }"},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":${layer.length},"digest":"${
        digestOf(layer)
      }"}]}`,
  );
  assert.deepEqual(archive.form, { layout: "docker", container: "tar" });
  assert.equal(archive.blobs?.length, 2);
});

Deno.test("names in such an archive are Docker's", async () => {
  const tags = ["foo", "foo/bar:v1", "ghcr.io/a/b:v1", "localhost:5000/x"];
  await using archive = await archiveOf(filesOf(docker(bytesOf("x"), { tags }).files), OPTIONS);
  assert.deepEqual(archive.images.map(({ containerdName }) => containerdName).sort(), [
    "docker.io/foo/bar:v1",
    "docker.io/library/foo:latest",
    "ghcr.io/a/b:v1",
    "localhost:5000/x:latest",
  ]);
});

Deno.test("an image without RepoTags has no name", async () => {
  await using archive = await archiveOf(filesOf(docker(bytesOf("x"), { tags: null }).files), OPTIONS);
  assert.deepEqual(names(archive.images), [undefined]);
});

Deno.test("a layer or a config with other bytes than the config or its own name says is damage", async () => {
  const wrongLayer = docker(bytesOf("x"), { diffId: digestOf(bytesOf("y")) }).files;
  await assert.rejects(archiveOf(filesOf(wrongLayer), OPTIONS), {
    code: "integrity",
    message: /abc\/layer\.tar in x\.tar/,
  });
  const wrongConfig = new Map(docker(bytesOf("x")).files);
  const [, name] = [...wrongConfig.keys()];
  wrongConfig.set(name, bytesOf("{}"));
  await assert.rejects(archiveOf(filesOf(wrongConfig), OPTIONS), { code: "integrity" });
});

Deno.test("a layer that is missing, and one too many, are errors that name it", async () => {
  const missing = docker(bytesOf("x"), { layers: ["no/layer.tar"] }).files;
  await assert.rejects(archiveOf(filesOf(missing), OPTIONS), { code: "invalid", message: /no\/layer\.tar in x\.tar/ });
  const many = docker(bytesOf("x"), { layers: ["abc/layer.tar", "abc/layer.tar"] }).files;
  await assert.rejects(archiveOf(filesOf(many), OPTIONS), { code: "invalid", message: /2 layers are listed/ });
});

Deno.test("a layer may be a link to that of another image, as docker save wrote it, but to nothing outside", async () => {
  const { files } = docker(bytesOf("x"), { layers: ["def/layer.tar"] });
  const linked = (target: string) => ({
    ...filesOf(files),
    link: (path: string) => path === "def/layer.tar" ? target : undefined,
  });
  await using archive = await archiveOf(linked("../abc/layer.tar"), OPTIONS);
  assert.equal(archive.images.length, 1);
  for (const target of ["/abc/layer.tar", "../../abc/layer.tar", "layer.tar"]) {
    await assert.rejects(archiveOf(linked(target), OPTIONS), { code: "invalid", message: /def\/layer\.tar in x\.tar/ });
  }
});

Deno.test("what has an image layout too is read as one", async () => {
  const { repository, entries } = signed();
  const files = new Map([...docker(bytesOf("x")).files, ...layoutOf(repository, entries)]);
  await using archive = await archiveOf(filesOf(files), OPTIONS);
  assert.deepEqual([archive.form.layout, names(archive.images)], ["oci", [FULL]]);
});

Deno.test("a folder that was packed with its name is read all the same", async () => {
  const { repository, entries } = signed();
  const files = new Map([...layoutOf(repository, entries)].map(([path, bytes]) => [`dir/${path}`, bytes]));
  for (const container of [filesOf(files), passing(files)]) {
    await using archive = await archiveOf(container, OPTIONS);
    assert.deepEqual(names(archive.images), [FULL]);
    assert.ok(archive.holds(entries[0][0]));
  }
});

Deno.test("an attachment of something that is not there is told", async () => {
  const { repository, signature } = signed();
  const warnings: string[] = [];
  const tag = cosignTag(repository.add("a/b", "gone"), ".sig");
  const container = filesOf(layoutOf(repository, [[signature, tag]]));
  await using archive = await archiveOf(container, { ...OPTIONS, onWarning: (text) => warnings.push(text) });
  assert.equal(archive.images.length, 0);
  assert.ok(warnings[0].includes(tag), warnings[0]);
});
