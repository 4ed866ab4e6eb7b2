import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MemoryRepository } from "../content/mod.ts";
import { hasCode } from "../error.ts";
import { MediaType } from "../oci/mod.ts";
import {
  blobFile,
  damage,
  makeAttachment,
  makeImage,
  pull,
  ref,
  removeBlob,
  scratch,
  scratchOfIg,
} from "./_testing.ts";

Deno.test("a store that ig made is found in order, with every byte read", async () => {
  using made = scratchOfIg();
  const progress: [number, number][] = [];
  const report = await made.open().check({ onProgress: (done, total) => progress.push([done, total]) });
  assert.deepEqual([report.names, report.checked.blobs, report.damage, report.garbage], [3, 15, [], []]);
  assert.deepEqual(progress.at(-1), [report.checked.bytes, report.checked.bytes]);
});

Deno.test("a missing and an altered blob are damage, with the images that need them", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const [a, b] = [makeImage(source, "a", "shared"), makeImage(source, "b", "shared")];
  await pull(source, "a", store);
  await pull(source, "b", store);
  removeBlob(made.path, a.layers[0].digest);
  damage(made.path, a.config.digest);
  const { damage: found } = await store.check();
  const name = (image: string) => `ghcr.io/inspektor-gadget/gadget/${image}:latest`;
  const told = found.map(({ kind, digest, images }) => ({ kind, digest, images: images!.sort() }));
  assert.equal(told.length, 2);
  assert.deepEqual(told.find(({ kind }) => kind === "missing"), {
    kind: "missing",
    digest: a.layers[0].digest,
    images: [name("a")],
  });
  assert.deepEqual(told.find(({ kind }) => kind === "altered"), {
    kind: "altered",
    digest: b.config.digest,
    images: [name("a"), name("b")],
  });
});

Deno.test("a blob of the wrong length, and one that is a folder, are damage", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { layers } = makeImage(source, "v1");
  await pull(source, "v1", store);
  Deno.chmodSync(blobFile(made.path, layers[0].digest), 0o644);
  writeFileSync(blobFile(made.path, layers[0].digest), "short");
  removeBlob(made.path, layers[1].digest);
  Deno.mkdirSync(blobFile(made.path, layers[1].digest));
  const { damage: found } = await store.check();
  assert.deepEqual(found.map(({ kind }) => kind), ["altered", "altered"]);
});

Deno.test("a damaged signature is damage to the image that it belongs to", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { index } = makeImage(source, "v1");
  makeAttachment(source, index, "a note");
  const { attachments } = await pull(source, "v1", store);
  const layer =
    JSON.parse(new TextDecoder().decode(source.contents.get(attachments[0].descriptor.digest)!.bytes)).layers[0];
  damage(made.path, layer.digest);
  const { damage: found } = await store.check();
  assert.deepEqual(found.map(({ images }) => images), [["ghcr.io/inspektor-gadget/gadget/v1:latest"]]);
});

Deno.test("layers that must stay elsewhere are not missed", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const config = source.add(MediaType.empty, "{}");
  const foreign = {
    ...source.add("application/vnd.oci.image.layer.nondistributable.v1.tar", "not here"),
    urls: ["https://example.org/layer"],
  };
  source.addManifest({ mediaType: MediaType.ociManifest, config, layers: [foreign] }, "v1");
  await pull(source, "v1", store);
  assert.deepEqual((await store.check()).damage, []);
  await store.tag(ref("v1"), ref("v2"));
});

Deno.test("a broken index and a layout of another version are damage, not a crash", async () => {
  using made = scratchOfIg();
  const store = made.open();
  writeFileSync(join(made.path, "index.json"), '{"schemaVersion":2,"manif');
  assert.deepEqual((await store.check()).damage.map(({ kind }) => kind), ["index"]);
  writeFileSync(join(made.path, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}');
  assert.deepEqual((await store.check()).damage.map(({ kind }) => kind), ["layout"]);
  await assert.rejects(store.images(), /layout version "2.0.0"; only "1.0.0" is known/);
});

Deno.test("what ig leaves behind is garbage, not damage", async () => {
  using made = scratchOfIg();
  const store = made.open();
  writeFileSync(join(made.path, "ingest", "0".repeat(64) + "_77"), "left over");
  writeFileSync(join(made.path, "blobs/sha256", "0".repeat(64)), "stray");
  const index = JSON.parse(Deno.readTextFileSync(join(made.path, "index.json")));
  const digest = `sha256:${"1".repeat(64)}`;
  index.manifests.push({ mediaType: MediaType.ociIndex, digest, size: 5 });
  index.manifests.push({
    ...index.manifests.find((entry: { size: number }) => entry.size === 558),
    annotations: { "org.opencontainers.image.ref.name": `sha256-${"2".repeat(64)}.sig` },
  });
  writeFileSync(join(made.path, "index.json"), JSON.stringify(index));
  const report = await store.check();
  assert.deepEqual(report.damage, []);
  assert.deepEqual(report.garbage.map(({ kind }) => kind).sort(), ["gone", "orphan", "stray", "unfinished"]);
});

Deno.test("check ends when it is told to", async () => {
  using made = scratchOfIg();
  const controller = new AbortController();
  const check = made.open().check({ signal: controller.signal, onProgress: () => controller.abort() });
  await assert.rejects(check, (error) => hasCode(error, "cancelled"));
});
