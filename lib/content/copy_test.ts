import assert from "node:assert/strict";
import { hasCode, SatchelError } from "../error.ts";
import { type Descriptor, MediaType } from "../oci/mod.ts";
import { copy } from "./copy.ts";
import type { ProgressEvent } from "./copy_options.ts";
import { MemoryRepository } from "./memory.ts";
import { CountingRepository, makeImage, RecordingRepository } from "./_testing.ts";

Deno.test("a copy brings an index, its manifests, configs and layers, and sets the name", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const target = new MemoryRepository();
  const result = await copy(source, "v1", target, { tag: "v2" });
  assert.deepEqual(target.contents, source.contents);
  assert.equal(target.names.get("v2"), index.digest);
  assert.equal(result.root.digest, index.digest);
  assert.equal(result.transferred.blobs, 6);
});

Deno.test("content lands before what points to it", async () => {
  const source = new MemoryRepository();
  const { index, platforms, config } = makeImage(source);
  const target = new RecordingRepository();
  await copy(source, "v1", target);
  const at = (descriptor: Descriptor) => target.pushed.indexOf(descriptor.digest);
  for (const { layer, manifest } of platforms) {
    assert.ok(at(layer) < at(manifest));
    assert.ok(at(config) < at(manifest));
    assert.ok(at(manifest) < at(index));
  }
});

Deno.test("each digest moves once, however often it is pointed to", async () => {
  const source = new CountingRepository();
  makeImage(source);
  await copy(source, "v1", new MemoryRepository());
  assert.equal(source.fetched.length, new Set(source.fetched).size);
});

Deno.test("what the target has is not fetched again", async () => {
  const source = new CountingRepository();
  const { platforms } = makeImage(source);
  const target = new MemoryRepository();
  await copy(source, "v1", target);
  source.fetched.length = 0;
  target.contents.delete(platforms[0].layer.digest);
  const result = await copy(source, "v1", target);
  assert.deepEqual(source.fetched, [platforms[0].layer.digest]);
  assert.deepEqual(result.transferred, { blobs: 1, bytes: platforms[0].layer.size });
});

Deno.test("a target whose manifests are complete is asked no further below one that it has", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const target = new RecordingRepository("registry", { manifestsAreComplete: true });
  await copy(source, "v1", target);
  const asked: string[] = [];
  const has = target.has.bind(target);
  target.has = (descriptor) => {
    if (descriptor.mediaType !== MediaType.ociManifest) asked.push(descriptor.digest);
    return has(descriptor);
  };
  target.pushed.length = 0;
  await copy(source, "v1", target, { tag: "again" });
  assert.deepEqual(asked, [index.digest]);
  assert.deepEqual(target.pushed, []);
  assert.ok(target.names.has("again"));
});

Deno.test("nested indexes and artifact manifests are followed", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const blob = source.add("text/plain", "a note");
  const artifact = source.addManifest({ mediaType: MediaType.ociArtifact, artifactType: "a/b", blobs: [blob] });
  source.addManifest({ mediaType: MediaType.ociIndex, manifests: [index, artifact] }, "outer");
  const target = new MemoryRepository();
  await copy(source, "outer", target);
  assert.deepEqual(target.contents, source.contents);
});

Deno.test("Docker's manifest list and images are followed", async () => {
  const source = new MemoryRepository();
  const config = source.add("application/vnd.docker.container.image.v1+json", "{}");
  const layer = source.add("application/vnd.docker.image.rootfs.diff.tar.gzip", "layer");
  const image = source.addManifest({ mediaType: MediaType.dockerManifest, config, layers: [layer] });
  source.addManifest({ mediaType: MediaType.dockerList, manifests: [image] }, "v1");
  const target = new MemoryRepository();
  await copy(source, "v1", target);
  assert.deepEqual(target.contents, source.contents);
});

Deno.test("foreign layers stay where their URLs say", async () => {
  const source = new MemoryRepository();
  const config = source.add("application/json", "{}");
  const foreign = {
    mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    digest: `sha256:${"0".repeat(64)}`,
    size: 5,
    urls: ["https://example.org/layer"],
  };
  source.addManifest({ mediaType: MediaType.dockerManifest, config, layers: [foreign] }, "v1");
  await copy(source, "v1", new MemoryRepository());
});

Deno.test("no more blobs move at once than asked for", async () => {
  const source = new MemoryRepository();
  const layers = Array.from({ length: 30 }, (_, index) => source.add("a/b", `layer ${index}`));
  source.addManifest({ mediaType: MediaType.ociManifest, config: source.add("a/b", ""), layers }, "v1");
  const target = new MemoryRepository();
  let running = 0;
  let most = 0;
  const push = target.push.bind(target);
  target.push = async (descriptor, content) => {
    if (descriptor.mediaType !== "a/b") return push(descriptor, content);
    most = Math.max(most, ++running);
    await Promise.resolve();
    await push(descriptor, content);
    running--;
  };
  await copy(source, "v1", target, { concurrency: 3 });
  assert.equal(most, 3);
});

Deno.test("an aborted copy is cancelled, and comes back only when every transfer is at rest", async () => {
  const source = new MemoryRepository();
  makeImage(source);
  const controller = new AbortController();
  const target = new MemoryRepository();
  let running = 0;
  target.push = async (_descriptor, _content, options) => {
    running++;
    controller.abort();
    await new Promise((resolve) =>
      options?.signal?.aborted ? resolve(0) : options?.signal?.addEventListener("abort", resolve)
    );
    await Promise.resolve();
    running--;
    throw new SatchelError("cancelled", "Interrupted");
  };
  await assert.rejects(
    copy(source, "v1", target, { tag: "v1", signal: controller.signal }),
    (error) => hasCode(error, "cancelled"),
  );
  assert.equal(running, 0);
  assert.equal(target.names.size, 0);
});

Deno.test("the first failure stops the other transfers and is the one that is reported", async () => {
  const source = new MemoryRepository();
  const { platforms } = makeImage(source);
  const target = new MemoryRepository();
  target.push = (descriptor, _content, options) => {
    if (descriptor.digest === platforms[0].layer.digest) {
      return Promise.reject(new SatchelError("storage", "the disk is full"));
    }
    return new Promise((_, reject) => {
      const stop = () => reject(new SatchelError("cancelled", "Interrupted"));
      if (options?.signal?.aborted) stop();
      else options?.signal?.addEventListener("abort", stop);
    });
  };
  await assert.rejects(copy(source, "v1", target), /the disk is full/);
});

Deno.test("a copy starts over when content vanished before it was named", async () => {
  const source = new MemoryRepository();
  const { platforms } = makeImage(source);
  const target = new RecordingRepository();
  const commit = target.commit.bind(target);
  target.commit = (change) => {
    if (target.commits === 0) target.contents.delete(platforms[0].layer.digest);
    return commit(change);
  };
  await copy(source, "v1", target, { tag: "v1" });
  assert.equal(target.commits, 2);
  assert.deepEqual(target.contents, source.contents);
});

Deno.test("progress accounts for every byte", async () => {
  const source = new MemoryRepository();
  makeImage(source);
  const events: ProgressEvent[] = [];
  const { transferred } = await copy(source, "v1", new MemoryRepository(), {
    onProgress: (event) => events.push(event),
  });
  const total = [...source.contents.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  assert.equal(events.reduce((sum, event) => sum + event.bytes, 0), total);
  assert.equal(transferred.bytes, total);
  assert.equal(
    events.filter(({ type }) => type === "start").length,
    events.filter(({ type }) => type === "done").length,
  );
});

Deno.test("a target that is not fit to take anything fails the copy before anything is fetched", async () => {
  const source = new CountingRepository();
  makeImage(source);
  const target = new MemoryRepository();
  target.prepare = () => Promise.reject(new SatchelError("storage", "read-only"));
  await assert.rejects(copy(source, "v1", target, { tag: "v1" }), /read-only/);
  assert.deepEqual(source.fetched, []);
});
