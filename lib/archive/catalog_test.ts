import { strict as assert } from "node:assert";
import { attach, makeImage } from "../content/_testing.ts";
import { fallbackTag, MemoryRepository } from "../content/mod.ts";
import { type Descriptor, MediaType, parseManifest } from "../oci/mod.ts";
import { Catalog } from "./catalog.ts";
import type { ListedManifest } from "./layout.ts";

function add(catalog: Catalog, repository: MemoryRepository, descriptor: Descriptor): void {
  const { bytes } = repository.contents.get(descriptor.digest)!;
  catalog.add(descriptor, parseManifest(bytes, descriptor.mediaType, "it"));
}

Deno.test("of what refers to an image nothing is kept that can be read in its manifest", () => {
  const repository = new MemoryRepository();
  const { index } = makeImage(repository);
  const note = repository.addManifest({
    mediaType: MediaType.ociManifest,
    artifactType: "a/b",
    config: repository.add(MediaType.empty, "{}"),
    layers: [],
    subject: index,
    annotations: { long: "x".repeat(100_000) },
  });
  const catalog = new Catalog({ listed: [{ descriptor: index }, { descriptor: note }] });
  add(catalog, repository, note);
  const { mediaType, digest, size } = note;
  assert.deepEqual(catalog.referrersOf(index.digest), [{ mediaType, digest, size }]);
});

Deno.test("a fallback index that many names tie to images is kept once", () => {
  const repository = new MemoryRepository();
  const images = Array.from({ length: 3 }, (_, at) => makeImage(repository, `v${at}`).index);
  const referrer = attach(repository, images[0], "a/b");
  const fallback = repository.addManifest({ mediaType: MediaType.ociIndex, manifests: [referrer] });
  const subjects = Array.from({ length: 20_000 }, (_, at) => `sha256:${String(at).padStart(64, "0")}` as const);
  const listed = subjects.map((subject) => ({ descriptor: fallback, name: fallbackTag(subject) }));
  const catalog = new Catalog({ listed });
  add(catalog, repository, fallback);
  const [first] = catalog.referrersOf(subjects[0]);
  assert.equal(first.digest, referrer.digest);
  assert.equal(catalog.referrersOf(subjects[19_999])[0], first);
});

Deno.test("an image that is listed as sparse and as whole is whole, whichever comes first", () => {
  const repository = new MemoryRepository();
  const { index, platforms } = makeImage(repository);
  const sparse = { descriptor: index, name: "a", platforms: [platforms[0].platform] };
  const whole = { descriptor: index, name: "b" };
  const below = (listed: ListedManifest[]) => {
    const { bytes } = repository.contents.get(index.digest)!;
    return new Catalog({ listed }).add(index, parseManifest(bytes, index.mediaType, "it")).length;
  };
  assert.deepEqual([[sparse], [sparse, whole], [whole, sparse]].map(below), [1, 2, 2]);
});

Deno.test("a manifest with a name is no second image without one, nor is what a fallback index lists", () => {
  const repository = new MemoryRepository();
  const { index } = makeImage(repository);
  const config = repository.add(MediaType.empty, "{}");
  const note = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers: [] });
  const fallback = repository.addManifest({ mediaType: MediaType.ociIndex, manifests: [note] });
  const catalog = new Catalog({
    listed: [
      { descriptor: index },
      { descriptor: index, name: "v1" },
      { descriptor: note },
      { descriptor: fallback, name: fallbackTag(index.digest) },
    ],
  });
  for (const each of [index, note, fallback]) add(catalog, repository, each);
  assert.deepEqual(catalog.images().map(({ name, descriptor }) => [name, descriptor]), [["v1", index]]);
});

Deno.test("what is listed and is of no type that is known is found by its digest", () => {
  const odd = new MemoryRepository().add("a/b", "not a manifest");
  assert.equal(new Catalog({ listed: [{ descriptor: odd }] }).find(odd.digest), odd);
});

Deno.test("of the sizes that are said of one manifest some are listened to, each once", () => {
  const { index } = makeImage(new MemoryRepository());
  const ofSize = (size: number) => ({ descriptor: { ...index, size } });
  const same = Array.from({ length: 20 }, () => ofSize(1));
  const listening = new Catalog({ listed: [...same, ofSize(2)] });
  assert.equal(listening.ofSize(same[0].descriptor, 2).size, 2);
  const many = new Catalog({ listed: Array.from({ length: 20 }, (_, at) => ofSize(at)) });
  assert.deepEqual([16, 17].map((size) => many.ofSize(ofSize(0).descriptor, size).size), [16, 0]);
});
