import { strict as assert } from "node:assert";
import { attach, cosignTag, makeImage } from "../../content/_testing.ts";
import { type Commit, MemoryRepository, type Source, type Target } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import { type Descriptor, digestHex, formatReference, MediaType, type Reference } from "../../oci/mod.ts";
import { type Entry, type Files, filesOf, layoutOf, passing } from "../_testing_layout.ts";
import { PLATFORMS_ANNOTATION } from "../archive.ts";
import { importImages } from "./import.ts";
import type { ImportOptions, ImportTarget } from "./options.ts";
import { nameImages } from "./naming.ts";
import { archiveOf } from "../open.ts";

const NAMES = ["example.org/a:v1", "example.org/b:v1"];

/** A store in memory, whose names appear when all is committed. */
class MemoryStore implements ImportTarget {
  readonly contents = new MemoryRepository("store");
  readonly names = new Map<string, string>();
  readonly waiting: [string, Commit][] = [];
  commits = 0;
  /** Run before each commit. */
  beforeCommit: (store: MemoryStore) => void = () => {};

  repository(reference: Reference): Source & Target {
    const commit = (commit: Commit) => {
      this.waiting.push([formatReference({ ...reference, tag: undefined, digest: undefined }), commit]);
      return Promise.resolve();
    };
    return Object.assign(Object.create(this.contents) as MemoryRepository, { commit });
  }

  async commit(): Promise<void> {
    this.beforeCommit(this);
    this.commits++;
    const waiting = this.waiting.splice(0);
    for (const [, { names: _, ...rest }] of waiting) await this.contents.commit({ ...rest, names: [] });
    for (const [repository, { names }] of waiting) {
      for (const { tag, descriptor } of names) this.names.set(`${repository}:${tag}`, descriptor.digest);
    }
  }
}

/** Two images that share a config; the first is signed, and has an SBOM. */
function twoImages() {
  const repository = new MemoryRepository();
  const first = makeImage(repository);
  const sbom = attach(repository, first.index, "application/example.sbom");
  const layer = repository.add("a/b", "another program");
  const second = repository.addManifest({ mediaType: MediaType.ociManifest, config: first.config, layers: [layer] });
  const signature = repository.addManifest({
    mediaType: MediaType.ociManifest,
    config: first.config,
    layers: [layer],
    annotations: {},
  });
  const entries: Entry[] = [
    [first.index, NAMES[0]],
    ...first.platforms.map(({ manifest }): Entry => [manifest]),
    [second, NAMES[1]],
    [sbom],
    [signature, cosignTag(first.index, ".sig")],
  ];
  return { repository, first, second, layer, sbom, signature, entries, files: layoutOf(repository, entries) };
}

async function importFrom(files: Files, store: MemoryStore, options?: ImportOptions, stream = false) {
  await using archive = await archiveOf(stream ? passing(files) : filesOf(files), { spoolFolder: "/nonexistent" });
  const result = await importImages(archive, nameImages(archive.images, archive.name).named, store, options);
  return {
    imported: result.imported.map(({ reference }) => formatReference(reference)).sort(),
    details: result.imported,
    failures: result.failures.map((error) => error instanceof SatchelError ? error : assert.fail(String(error))),
  };
}

const blobOf = ({ digest }: Descriptor) => `blobs/sha256/${digestHex(digest)}`;

for (const stream of [false, true]) {
  const of = stream ? "a stream" : "files";

  Deno.test(`images of ${of} come with all that belongs to them, their names at once`, async () => {
    const { files, first, second, sbom, signature, repository } = twoImages();
    const store = new MemoryStore();
    const { imported, details, failures } = await importFrom(files, store, {}, stream);
    assert.deepEqual([imported, failures, store.commits], [NAMES, [], 1]);
    assert.deepEqual(Object.fromEntries(store.names), {
      [`example.org/a:${cosignTag(first.index, ".sig")}`]: signature.digest,
      [NAMES[0]]: first.index.digest,
      [NAMES[1]]: second.digest,
    });
    assert.deepEqual([...store.contents.contents.keys()].sort(), [...repository.contents.keys()].sort());
    assert.deepEqual(
      details[0].attachments.map(({ descriptor }) => descriptor.digest).sort(),
      [
        sbom.digest,
        signature.digest,
      ].sort(),
    );
    const counted = details.reduce((sum, each) => sum + each.new.blobs, 0);
    assert.equal(counted, repository.contents.size);
  });

  Deno.test(`what is there already is told from what ${of} brought`, async () => {
    const { files, repository } = twoImages();
    const store = new MemoryStore();
    await importFrom(files, store, {}, stream);
    const { details } = await importFrom(files, store, {}, stream);
    assert.deepEqual(details.map((each) => each.new), [{ blobs: 0, bytes: 0 }, { blobs: 0, bytes: 0 }]);
    assert.ok(details[0].present.blobs > 5 && details[0].present.blobs < repository.contents.size);
  });

  Deno.test(`a damaged blob in ${of} costs only the images that need it`, async () => {
    const { files, first: { platforms } } = twoImages();
    files.set(blobOf(platforms[0].layer), new Uint8Array(platforms[0].layer.size));
    const store = new MemoryStore();
    const { imported, failures } = await importFrom(files, store, {}, stream);
    assert.deepEqual([imported, failures.map(({ code }) => code)], [[NAMES[1]], ["integrity"]]);
    assert.match(failures[0].message, new RegExp(`^example.org/a:v1: .*${platforms[0].layer.digest}`));
    assert.deepEqual([...store.names.keys()], [NAMES[1]]);
  });

  Deno.test(`what ${of} lacks may be at the target; without it, the image lacks it and the others come`, async () => {
    const { files, first: { platforms }, repository } = twoImages();
    const absent = platforms.map(({ layer }) => layer);
    for (const layer of absent) files.delete(blobOf(layer));
    const store = new MemoryStore();
    const thin = await importFrom(files, store, {}, stream);
    assert.deepEqual(thin.imported, [NAMES[1]]);
    const bytes = absent[0].size + absent[1].size;
    assert.match(thin.failures[0].message, new RegExp(`^example.org/a:v1 lacks 2 blobs \\(${bytes} bytes\\): sha256:`));
    assert.ok(absent.every(({ digest }) => thin.failures[0].message.includes(digest)));
    for (const layer of absent) store.contents.contents.set(layer.digest, repository.contents.get(layer.digest)!);
    assert.deepEqual(await importFrom(files, store, {}, stream).then(({ imported }) => imported), NAMES);
  });

  Deno.test(`a manifest that ${of} lacks is told as well, unless the target has it`, async () => {
    const { files, second, repository } = twoImages();
    files.delete(blobOf(second));
    const store = new MemoryStore();
    const { imported, failures } = await importFrom(files, store, {}, stream);
    assert.deepEqual(imported, [NAMES[0]]);
    assert.match(failures[0].message, /^example.org\/b:v1 lacks 1 blob /);
    store.contents.contents.set(second.digest, repository.contents.get(second.digest)!);
    assert.deepEqual(await importFrom(files, store, {}, stream).then(({ imported }) => imported), NAMES);
  });

  Deno.test(`a check refuses an image of ${of} before its name appears`, async () => {
    const { files } = twoImages();
    const store = new MemoryStore();
    const guard = (target: Target, reference: Reference): Target =>
      reference.repository !== "a" ? target : Object.assign(Object.create(target) as Target, {
        commit: () => Promise.reject(new SatchelError("refused", "no")),
      });
    const { imported, failures } = await importFrom(files, store, { guard }, stream);
    assert.deepEqual([imported, failures.map(({ code }) => code)], [[NAMES[1]], ["refused"]]);
    assert.deepEqual([...store.names.keys()], [NAMES[1]]);
  });

  Deno.test(`progress of ${of} ends at its total, shared content counted once`, async () => {
    const { files, repository } = twoImages();
    const total = [...repository.contents.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
    const seen: [number, number][] = [];
    await importFrom(files, new MemoryStore(), { onProgress: (...each) => seen.push(each) }, stream);
    assert.deepEqual(seen.at(-1), [total, total]);
  });

  Deno.test(`a sparse image of ${of} comes with what it has, and says so`, async () => {
    const repository = new MemoryRepository();
    const { index, platforms: [amd64, arm64] } = makeImage(repository);
    for (const { digest } of [arm64.manifest, arm64.layer]) repository.contents.delete(digest);
    const entry = { "org.opencontainers.image.ref.name": NAMES[0], [PLATFORMS_ANNOTATION]: "linux/amd64" };
    const files = layoutOf(repository, [[index, entry], [amd64.manifest]]);
    const { details, failures } = await importFrom(files, new MemoryStore(), {}, stream);
    assert.deepEqual([failures, details[0].platforms], [[], [{ os: "linux", architecture: "amd64" }]]);
  });
}

Deno.test("what vanishes before it is named is copied again", async () => {
  const { files, second } = twoImages();
  const store = new MemoryStore();
  store.beforeCommit = ({ commits, contents }) => {
    if (commits === 0) contents.contents.delete(second.digest);
  };
  const { imported } = await importFrom(files, store);
  assert.deepEqual([imported, store.commits], [NAMES, 2]);
});

Deno.test("an image that cannot be read keeps no other from being imported", async () => {
  const { repository, entries } = twoImages();
  const broken = repository.add(MediaType.ociManifest, "{}");
  const { imported, failures } = await importFrom(
    layoutOf(repository, [...entries, [broken, "example.org/c:v1"]]),
    new MemoryStore(),
  );
  assert.deepEqual([imported, failures.length, failures[0].code], [NAMES, 1, "integrity"]);
  assert.match(failures[0].message, /^example.org\/c:v1: /);
});

/** Imports from a stream that breaks off behind these files. */
async function importCut(files: Files) {
  const stream = passing(files);
  const next = stream.next.bind(stream);
  stream.next = async () => {
    const file = await next();
    if (!file) throw new SatchelError("invalid", "stdin ends too early");
    return file;
  };
  await using archive = await archiveOf(stream, { spoolFolder: "/nonexistent" });
  const { named } = nameImages(archive.images, archive.name);
  const { imported, failures } = await importImages(archive, named, new MemoryStore());
  return {
    imported: imported.map(({ reference }) => formatReference(reference)).sort(),
    failures: failures.map((error) => (error as Error).message),
  };
}

Deno.test("of a stream that breaks off, what was whole is imported", async () => {
  const { files, first } = twoImages();
  const cut = new Map([...files].filter(([path]) => path !== blobOf(first.platforms[1].layer)));
  const { imported, failures } = await importCut(cut);
  assert.deepEqual([imported, failures], [[NAMES[1]], ["example.org/a:v1: stdin ends too early"]]);
});

Deno.test("a stream that breaks off behind all that is wanted is told: nobody knows what is missing", async () => {
  const { imported, failures } = await importCut(twoImages().files);
  assert.deepEqual([imported, failures], [NAMES, ["stdin ends too early"]]);
});

Deno.test("where a blob with wrong bytes lies is told, if the archive knows", async () => {
  const { files, first: { platforms: [{ layer }] } } = twoImages();
  files.set(blobOf(layer), new Uint8Array(layer.size));
  await using archive = await archiveOf(filesOf(files), { spoolFolder: "/nonexistent" });
  const placed = { ...archive, place: () => "x.tar.002" };
  const { named } = nameImages(archive.images, archive.name);
  const { failures } = await importImages(placed, named, new MemoryStore());
  const message = `example.org/a:v1: ${layer.digest}, in x.tar.002, has other bytes than its name says`;
  assert.deepEqual(failures.map((error) => (error as Error).message), [message]);
});

Deno.test("a full disk ends an import, and what was whole keeps its name", async () => {
  const { files, first: { config } } = twoImages();
  const store = new MemoryStore();
  const push = store.contents.push.bind(store.contents);
  let pushed = 0;
  store.contents.push = async (descriptor, content) => {
    if (descriptor.digest !== config.digest && ++pushed > 4) {
      throw new SatchelError("storage", "the disk is full");
    }
    await push(descriptor, content);
  };
  await assert.rejects(importFrom(files, store), { code: "storage" });
  assert.deepEqual([...store.names.keys()].filter((name) => !NAMES.includes(name)), []);
});
