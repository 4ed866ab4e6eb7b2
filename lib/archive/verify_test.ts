import { strict as assert } from "node:assert";
import { makeImage } from "../content/_testing.ts";
import { MemoryRepository } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { type Descriptor, digestHex, MediaType, REF_NAME_ANNOTATION } from "../oci/mod.ts";
import { bytesOf, type Entry, type Files, filesOf, layoutOf, passing } from "./_testing_layout.ts";
import { LEFT_OUT_ANNOTATION, PLATFORMS_ANNOTATION } from "./archive.ts";
import { archiveOf } from "./open.ts";
import { verifyArchive, type VerifyOptions } from "./verify.ts";

const NAMES = ["example.org/a:v1", "example.org/b:v1"];
const NOTHING = { blobs: 0, bytes: 0 };

/** Two images that share a config. */
function twoImages() {
  const repository = new MemoryRepository();
  const first = makeImage(repository);
  const layer = repository.add("a/b", "another program");
  const second = repository.addManifest({ mediaType: MediaType.ociManifest, config: first.config, layers: [layer] });
  const platforms = first.platforms.map(({ manifest }): Entry => [manifest]);
  const files = layoutOf(repository, [[first.index, NAMES[0]], ...platforms, [second, NAMES[1]]]);
  return { repository, first, second, layer, files };
}

const pathOf = ({ digest }: Descriptor) => `blobs/sha256/${digestHex(digest)}`;

/** The same, with a list that says how many blobs were left out. */
function withoutSome(files: Files, leftOut: number): Files {
  const index = JSON.parse(new TextDecoder().decode(files.get("index.json")));
  const annotations = { [LEFT_OUT_ANNOTATION]: `${leftOut}` };
  return new Map([...files, ["index.json", bytesOf(JSON.stringify({ ...index, annotations }))]]);
}

async function verify(files: Files, stream: boolean, options?: VerifyOptions) {
  await using archive = await archiveOf(stream ? passing(files) : filesOf(files), { spoolFolder: "/nonexistent" });
  assert.equal(archive.pour !== undefined, stream);
  const found = await verifyArchive(archive, options);
  return { ...found, damage: found.damage.map(({ kind, digest, images }) => ({ kind, digest, images })) };
}

Deno.test("an image that is said to be there for a platform which it is not for is broken", async () => {
  for (const said of ["linux/s390x", "linux/amd64,linux/s390x"]) {
    const { repository, first } = twoImages();
    const annotations = { [REF_NAME_ANNOTATION]: NAMES[0], [PLATFORMS_ANNOTATION]: said };
    const { damage } = await verify(layoutOf(repository, [[first.index, annotations]]), false);
    assert.deepEqual(damage.map(({ kind, images }) => [kind, images]), [["broken", [NAMES[0]]]]);
  }
});

for (const stream of [false, true]) {
  const of = stream ? "a stream" : "files";

  Deno.test(`everything in ${of} is read, and nothing is wrong with it`, async () => {
    const { repository, files } = twoImages();
    const progress: [number, number][] = [];
    const found = await verify(files, stream, { onProgress: (...each) => progress.push(each) });
    const sizes = [...repository.contents.values()].map(({ bytes }) => bytes.length);
    const bytes = sizes.reduce((a, b) => a + b);
    assert.deepEqual(found, { images: 2, checked: { blobs: sizes.length, bytes }, damage: [], leftOut: NOTHING });
    assert.deepEqual(progress.at(-1), [bytes, bytes]);
  });

  Deno.test(`every damaged blob of ${of} is named, with all images that need it`, async () => {
    const { first, layer, files } = twoImages();
    files.set(pathOf(layer), new Uint8Array(layer.size));
    files.set(pathOf(first.config), new Uint8Array(first.config.size - 1));
    const { damage } = await verify(files, stream);
    assert.deepEqual(
      new Set(damage),
      new Set([
        { kind: "damaged", digest: layer.digest, images: [NAMES[1]] },
        { kind: "damaged", digest: first.config.digest, images: NAMES },
      ]),
    );
  });

  Deno.test(`a manifest of ${of} that is damaged is named, and the other image is read`, async () => {
    const { second, layer, files } = twoImages();
    files.set(pathOf(second), new Uint8Array(second.size));
    const { damage, checked } = await verify(files, stream);
    assert.deepEqual(damage, [{ kind: "damaged", digest: second.digest, images: [NAMES[1]] }]);
    assert.ok(checked.bytes > layer.size);
  });

  Deno.test(`a blob of ${of} with another size than its image says is damaged, though its digest is right`, async () => {
    for (const difference of [1, -1]) {
      const repository = new MemoryRepository();
      const config = repository.add(MediaType.empty, "{}");
      const layer = repository.add("a/b", "a program");
      const layers = [{ ...layer, size: layer.size + difference }];
      const image = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers });
      const { damage } = await verify(layoutOf(repository, [[image, NAMES[0]]]), stream);
      assert.deepEqual(damage, [{ kind: "damaged", digest: layer.digest, images: [NAMES[0]] }]);
    }
  });

  Deno.test(`a blob that is not in ${of} is missing, unless it was left out on purpose`, async () => {
    const { layer, files } = twoImages();
    files.delete(pathOf(layer));
    const missing = { damage: [{ kind: "missing", digest: layer.digest, images: [NAMES[1]] }], leftOut: NOTHING };
    const leftOut = { damage: [], leftOut: { blobs: 1, bytes: layer.size } };
    const verdict = async (files: Files, options?: VerifyOptions) => {
      const { damage, leftOut } = await verify(files, stream, options);
      return { damage, leftOut };
    };
    assert.deepEqual(await verdict(files), missing);
    assert.deepEqual(await verdict(files, { thin: true }), leftOut);
    assert.deepEqual(await verdict(withoutSome(files, 1)), leftOut);
  });

  Deno.test(`of ${of} with more missing than was left out, all that is missing is named`, async () => {
    const { layer, first, files } = twoImages();
    files.delete(pathOf(layer));
    files.delete(pathOf(first.config));
    const { damage, leftOut } = await verify(withoutSome(files, 1), stream);
    assert.equal(damage.length, 2);
    assert.deepEqual(leftOut, NOTHING);
  });
}

Deno.test("a damaged manifest that many names have is told once, with all of them", async () => {
  const { repository, second } = twoImages();
  const names = Array.from({ length: 20_000 }, (_, at) => `example.org/a:${String(at).padStart(5, "0")}`);
  const files = layoutOf(repository, names.map((name): Entry => [second, name]));
  files.set(pathOf(second), new Uint8Array(second.size));
  const { damage } = await verify(files, false);
  assert.deepEqual(damage, [{ kind: "damaged", digest: second.digest, images: names }]);
});

Deno.test("a manifest that is not there is missing, however thin the archive is", async () => {
  const { first, files } = twoImages();
  const { manifest } = first.platforms[1];
  files.delete(pathOf(manifest));
  const { damage } = await verify(files, false, { thin: true });
  assert.deepEqual(damage, [{ kind: "missing", digest: manifest.digest, images: [NAMES[0]] }]);
});

Deno.test("a blob that no image needs is read as well, where blobs can be read in any order", async () => {
  const { repository, first } = twoImages();
  const stray = repository.add("a/b", "of no image");
  const files = layoutOf(repository, [[first.index, NAMES[0]]]);
  files.set(pathOf(stray), new Uint8Array(stray.size));
  const { damage } = await verify(files, false);
  assert.deepEqual(damage, [{ kind: "damaged", digest: stray.digest, images: [] }]);
});

Deno.test("a stream that breaks off is broken there, and what came before is told", async () => {
  const { layer, files } = twoImages();
  files.set(pathOf(layer), new Uint8Array(layer.size));
  const stream = passing(files);
  const next = stream.next.bind(stream);
  let left = files.size;
  stream.next = (options) => {
    if (left-- > 0) return next(options);
    throw new SatchelError("invalid", "stdin ends too early");
  };
  await using archive = await archiveOf(stream, { spoolFolder: "/nonexistent" });
  const { damage } = await verifyArchive(archive);
  assert.deepEqual(damage.map(({ kind }) => kind), ["damaged", "broken"]);
});
