import { strict as assert } from "node:assert";
import { attach, cosignTag, makeImage } from "../content/_testing.ts";
import { MemoryRepository } from "../content/mod.ts";
import { type Descriptor, digestHex, formatPlatform, MediaType } from "../oci/mod.ts";
import { bytesOf, type Entry, type Files, filesOf, layoutOf, passing } from "./_testing_layout.ts";
import { LEFT_OUT_ANNOTATION, PLATFORMS_ANNOTATION } from "./archive.ts";
import { inspectArchive } from "./inspect.ts";
import { archiveOf } from "./open.ts";

const NAME = "example.org/a:v1";
const OPTIONS = { spoolFolder: "/nonexistent" };
const EMPTY = { blobs: 0, bytes: 0 };

async function inspect(files: Files, stream = false) {
  await using archive = await archiveOf(stream ? passing(files) : filesOf(files), OPTIONS);
  assert.equal(archive.pour !== undefined, stream);
  return await inspectArchive(archive);
}

/** An image with a signature in each format, an SBOM, and an attestation in a bundle. */
function signed() {
  const repository = new MemoryRepository();
  const image = makeImage(repository);
  const bundle = (predicate: string) =>
    repository.addManifest({
      mediaType: MediaType.ociManifest,
      artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      config: repository.add(MediaType.empty, "{}"),
      layers: [],
      subject: image.index,
      annotations: { "dev.sigstore.bundle.predicateType": predicate },
    });
  const tagged = repository.addManifest({
    mediaType: MediaType.ociManifest,
    config: repository.add("application/vnd.oci.image.config.v1+json", "{}"),
    layers: [],
  });
  const referrers = [
    bundle("https://sigstore.dev/cosign/sign/v1"),
    bundle("https://slsa.dev/provenance/v1"),
    attach(repository, image.index, "application/vnd.dev.cosign.artifact.sig.v1+json"),
    attach(repository, image.index, "application/vnd.cncf.notary.signature"),
    attach(repository, image.platforms[0].manifest, "application/example.sbom"),
  ];
  const entries: Entry[] = [
    [image.index, NAME],
    ...image.platforms.map(({ manifest }): Entry => [manifest]),
    ...referrers.map((referrer): Entry => [referrer]),
    [tagged, cosignTag(image.index, ".sig")],
  ];
  return { repository, image, files: layoutOf(repository, entries) };
}

const pathOf = ({ digest }: Descriptor) => `blobs/sha256/${digestHex(digest)}`;

for (const stream of [false, true]) {
  const of = stream ? "a stream" : "files";

  Deno.test(`inspection of ${of} counts all that an image has, each digest once`, async () => {
    const { repository, files } = signed();
    const { images: [image], content, leftOut } = await inspect(files, stream);
    const sizes = [...repository.contents.values()].map(({ bytes }) => bytes.length);
    assert.deepEqual(content, { blobs: sizes.length, bytes: sizes.reduce((a, b) => a + b) });
    assert.deepEqual([image.content, image.leftOut, leftOut], [content, EMPTY, EMPTY]);
    assert.deepEqual(image.platforms.map(formatPlatform), ["linux/amd64", "linux/arm64"]);
  });

  Deno.test(`inspection of ${of} tells signatures from what else refers to an image`, async () => {
    const { images: [image] } = await inspect(signed().files, stream);
    assert.equal(image.attachments.length, 6);
    assert.deepEqual(image.attachments.flatMap(({ signature }) => signature ?? []).sort(), [
      "cosign-referrer",
      "cosign-tag",
      "notation",
      "sigstore-bundle",
    ]);
  });

  Deno.test(`inspection of ${of} tells what is missing, and what the archive says that it leaves out, by image and in all`, async () => {
    const { files, image: { platforms: [{ layer }] } } = signed();
    files.delete(pathOf(layer));
    const lost = await inspect(files, stream);
    assert.deepEqual([lost.missing, lost.leftOut], [{ blobs: 1, bytes: layer.size }, EMPTY]);
    assert.deepEqual([lost.images[0].missing, lost.images[0].leftOut], [lost.missing, EMPTY]);
    const index = JSON.parse(new TextDecoder().decode(files.get("index.json")));
    const annotations = { [LEFT_OUT_ANNOTATION]: "1" };
    files.set("index.json", bytesOf(JSON.stringify({ ...index, annotations })));
    const thin = await inspect(files, stream);
    assert.deepEqual([thin.missing, thin.leftOut], [EMPTY, lost.missing]);
    assert.deepEqual([thin.images[0].missing, thin.images[0].leftOut], [EMPTY, lost.missing]);
  });

  Deno.test(`a config that names no platform is of none, in ${of}`, async () => {
    const repository = new MemoryRepository();
    const config = repository.add("application/vnd.oci.image.config.v1+json", '{"os":"","architecture":""}');
    const manifest = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers: [] });
    const { images } = await inspect(layoutOf(repository, [[manifest, NAME]]), stream);
    assert.deepEqual(images[0].platforms, []);
  });

  Deno.test(`the platform of an image without an index comes out of its config, in ${of}`, async () => {
    const repository = new MemoryRepository();
    const text = JSON.stringify({ os: "linux", architecture: "riscv64" });
    const config = repository.add("application/vnd.oci.image.config.v1+json", text);
    const manifest = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers: [] });
    const { images } = await inspect(layoutOf(repository, [[manifest, NAME]]), stream);
    assert.deepEqual(images[0].platforms.map(formatPlatform), ["linux/riscv64"]);
  });

  Deno.test(`an image of ${of} whose manifest is damaged does not hide the others`, async () => {
    const repository = new MemoryRepository();
    const { index, platforms, config } = makeImage(repository);
    const damaged = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers: [] });
    const entries = platforms.map(({ manifest }): Entry => [manifest]);
    const files = layoutOf(repository, [[index, NAME], ...entries, [damaged, "example.org/b:v1"]]);
    files.set(pathOf(damaged), new Uint8Array(damaged.size));
    const { images } = await inspect(files, stream);
    assert.deepEqual(images.map(({ failure }) => failure?.descriptor?.digest), [undefined, damaged.digest]);
  });
}

for (const stream of [false, true]) {
  for (const isFirst of [false, true]) {
    const where = `${isFirst ? "before" : "after"} the true one, in ${stream ? "a stream" : "files"}`;
    Deno.test(`an entry with another size of the same manifest is wrong alone, ${where}`, async () => {
      const repository = new MemoryRepository();
      const { index, platforms } = makeImage(repository);
      const wrong: Entry = [{ ...index, size: index.size + 1 }, "example.org/wrong:v1"];
      const entries = platforms.map(({ manifest }): Entry => [manifest]);
      const named: Entry[] = isFirst ? [wrong, [index, NAME]] : [[index, NAME], wrong];
      const { images } = await inspect(layoutOf(repository, [...named, ...entries]), stream);
      assert.deepEqual(images.map(({ image, failure }) => [image.name, failure?.error.code]), [
        [NAME, undefined],
        ["example.org/wrong:v1", "integrity"],
      ]);
      assert.equal(images[0].platforms.length, 2);
    });
  }
}

Deno.test("of a sparse image, only the platforms that are there are told", async () => {
  const repository = new MemoryRepository();
  const { index, platforms: [, left] } = makeImage(repository);
  const annotations = { "org.opencontainers.image.ref.name": NAME, [PLATFORMS_ANNOTATION]: "linux/amd64" };
  const files = layoutOf(repository, [[index, annotations]]);
  files.delete(pathOf(left.manifest));
  files.delete(pathOf(left.layer));
  const { images: [image], leftOut } = await inspect(files);
  assert.deepEqual(image.failure, undefined);
  assert.deepEqual(image.platforms.map(formatPlatform), ["linux/amd64"]);
  assert.deepEqual(leftOut, EMPTY);
});

Deno.test("indexes that share what is below them are looked at once each, however many ways lead there", async () => {
  const repository = new MemoryRepository();
  const { platforms } = makeImage(repository);
  const lowest = platforms.map(({ manifest, platform }) => ({ ...manifest, platform }));
  let level: Descriptor[] = [repository.addManifest({ mediaType: MediaType.ociIndex, manifests: lowest })];
  // 2 to the power of 28 ways: whoever went all of them would not come back.
  for (let depth = 0; depth < 28; depth++) {
    level = ["a", "b"].map((name) =>
      repository.addManifest({ mediaType: MediaType.ociIndex, manifests: level, annotations: { name } })
    );
  }
  const { images: [image] } = await inspect(layoutOf(repository, [[level[0], NAME]]));
  assert.deepEqual(image.platforms.map(formatPlatform), ["linux/amd64", "linux/arm64"]);
});
