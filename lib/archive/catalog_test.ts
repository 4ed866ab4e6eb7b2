import { strict as assert } from "node:assert";
import { attach, makeImage } from "../content/_testing.ts";
import { fallbackTag, MemoryRepository } from "../content/mod.ts";
import { type Descriptor, MediaType, parseManifest } from "../oci/mod.ts";
import { Catalog } from "./catalog.ts";

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
