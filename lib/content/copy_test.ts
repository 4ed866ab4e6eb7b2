import assert from "node:assert/strict";
import { hasCode, SatchelError } from "../error.ts";
import { type Descriptor, digestHex, MediaType } from "../oci/mod.ts";
import type { Commit, Content, FetchOptions } from "./content.ts";
import { copy } from "./copy.ts";
import type { ProgressEvent } from "./copy_options.ts";
import { MemoryRepository } from "./memory.ts";

/** A multi-platform image: an index, two manifests that share a config, a layer each, and what was done with them. */
function makeImage(repository: MemoryRepository, tag = "v1") {
  const config = repository.add("application/vnd.example.config.v1+yaml", "name: example");
  const platforms = ["amd64", "arm64"].map((architecture) => {
    const layer = repository.add("application/vnd.example.layer.v1", `a program for ${architecture}`);
    const manifest = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers: [layer] });
    return { layer, manifest, platform: { architecture, os: "linux" } };
  });
  const manifests = platforms.map(({ manifest, platform }) => ({ ...manifest, platform }));
  const index = repository.addManifest({ mediaType: MediaType.ociIndex, manifests }, tag);
  return { config, platforms, index };
}

function attach(repository: MemoryRepository, subject: Descriptor, artifactType: string): Descriptor {
  const config = repository.add(MediaType.empty, "{}");
  const layer = repository.add("application/octet-stream", `${artifactType} for ${subject.digest}`);
  return repository.addManifest({ mediaType: MediaType.ociManifest, artifactType, config, layers: [layer], subject });
}

const cosignTag = (subject: Descriptor, suffix: string) => `sha256-${digestHex(subject.digest)}${suffix}`;

/** A source that counts what is read from it. */
class CountingRepository extends MemoryRepository {
  readonly fetched: string[] = [];
  override fetch(descriptor: Descriptor, options?: FetchOptions) {
    this.fetched.push(descriptor.digest);
    return super.fetch(descriptor, options);
  }
}

/** A target that remembers the order in which content became visible. */
class RecordingRepository extends MemoryRepository {
  readonly pushed: string[] = [];
  commits = 0;
  override async push(descriptor: Descriptor, content: Content) {
    await super.push(descriptor, content);
    this.pushed.push(descriptor.digest);
  }
  override async commit(commit: Commit) {
    this.commits++;
    await super.commit(commit);
  }
}

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

Deno.test("referrers come along, and referrers of referrers, and those of platform manifests", async () => {
  const source = new MemoryRepository();
  const { index, platforms } = makeImage(source);
  const sbom = attach(source, index, "application/spdx+json");
  const signature = attach(source, sbom, "application/vnd.example.signature");
  const perPlatform = attach(source, platforms[1].manifest, "application/vnd.example.attestation");
  const target = new MemoryRepository();
  const { attachments } = await copy(source, "v1", target, { tag: "v1" });
  assert.deepEqual(target.contents, source.contents);
  const found = attachments.map(({ descriptor, subject, artifactType }) => [descriptor.digest, subject, artifactType]);
  assert.deepEqual(
    found.sort(),
    [
      [sbom.digest, index.digest, "application/spdx+json"],
      [signature.digest, sbom.digest, "application/vnd.example.signature"],
      [perPlatform.digest, platforms[1].manifest.digest, "application/vnd.example.attestation"],
    ].sort(),
  );
});

Deno.test("what cosign left under its tags comes along under the same tags", async () => {
  const source = new MemoryRepository();
  const { index, platforms } = makeImage(source);
  const expected = new Map<string, string>();
  for (const suffix of [".sig", ".att", ".sbom"]) {
    for (const subject of [index, platforms[0].manifest]) {
      const config = source.add("application/json", "{}");
      const layer = source.add("text/plain", `${suffix} of ${subject.digest}`);
      const tag = cosignTag(subject, suffix);
      expected.set(tag, source.addManifest({ mediaType: MediaType.ociManifest, config, layers: [layer] }, tag).digest);
    }
  }
  const target = new MemoryRepository();
  await copy(source, "v1", target);
  assert.deepEqual(new Map([...target.names].sort()), new Map([...expected].sort()));
});

Deno.test("the image's own name is set after those of its attachments", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  source.names.set(cosignTag(index, ".sig"), attach(source, index, "a/b").digest);
  const target = new MemoryRepository();
  await copy(source, "v1", target, { tag: "v1" });
  assert.deepEqual([...target.names.keys()], [cosignTag(index, ".sig"), "v1"]);
});

Deno.test("a referrer lands after its subject", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const referrer = attach(source, index, "a/b");
  const target = new RecordingRepository();
  await copy(source, "v1", target);
  assert.ok(target.pushed.indexOf(index.digest) < target.pushed.indexOf(referrer.digest));
});

Deno.test("without referrers, nothing is looked up and nothing comes along", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const referrer = attach(source, index, "a/b");
  source.referrers = () => {
    throw new Error("looked up");
  };
  const target = new MemoryRepository();
  const { attachments } = await copy(source, "v1", target, { referrers: false });
  assert.deepEqual(attachments, []);
  assert.ok(!target.contents.has(referrer.digest));
});

Deno.test("what a source lists as a referrer but refers to something else is left out with a warning", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const stranger = source.addManifest({ mediaType: MediaType.ociManifest, config: source.add("a/b", ""), layers: [] });
  source.referrers = async (subject) => subject.digest === index.digest ? [stranger] : [];
  const target = new MemoryRepository();
  const warnings: string[] = [];
  await copy(source, "v1", target, { onWarning: (message) => warnings.push(message) });
  assert.ok(!target.contents.has(stranger.digest));
  assert.match(warnings.join(), /does not refer to it/);
});

Deno.test("a referrer that is listed but gone is left out with a warning", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const gone = attach(source, index, "a/b");
  source.contents.delete(gone.digest);
  source.referrers = async (subject) => subject.digest === index.digest ? [gone] : [];
  const warnings: string[] = [];
  await copy(source, "v1", new MemoryRepository(), { onWarning: (message) => warnings.push(message) });
  assert.match(warnings.join(), /is not there; left out/);
});

Deno.test("a registry that denies the look-up of referrers is warned about, and the image still comes", async () => {
  const source = new MemoryRepository();
  makeImage(source);
  source.referrers = () => Promise.reject(new SatchelError("denied", "no access"));
  const warnings: string[] = [];
  const target = new MemoryRepository();
  await copy(source, "v1", target, { tag: "v1", onWarning: (message) => warnings.push(message) });
  assert.ok(target.names.has("v1"));
  assert.match(warnings.join(), /Cannot look for what refers to/);
});

Deno.test("a look-up that fails in another way fails the copy, and no name is set", async () => {
  const source = new MemoryRepository();
  makeImage(source);
  source.referrers = () => Promise.reject(new SatchelError("network", "broken"));
  const target = new MemoryRepository();
  await assert.rejects(copy(source, "v1", target, { tag: "v1" }), /broken/);
  assert.equal(target.names.size, 0);
});

Deno.test("wrong bytes of a layer or a manifest fail the copy, and no name is set", async () => {
  for (const victim of ["layer", "manifest"] as const) {
    const source = new MemoryRepository();
    const { platforms } = makeImage(source);
    const { digest } = platforms[0][victim];
    const original = source.contents.get(digest)!;
    const bytes = original.bytes.slice();
    bytes[0] ^= 1;
    source.contents.set(digest, { ...original, bytes });
    const target = new MemoryRepository();
    await assert.rejects(
      copy(source, "v1", target, { tag: "v1", referrers: false }),
      (error) => hasCode(error, "integrity"),
      victim,
    );
    assert.equal(target.names.size, 0);
  }
});

Deno.test("short and long content fail the copy", async () => {
  for (const change of [-1, 1]) {
    const source = new MemoryRepository();
    const { platforms } = makeImage(source);
    const { digest } = platforms[0].layer;
    const original = source.contents.get(digest)!;
    const bytes = new Uint8Array(original.bytes.length + change);
    source.contents.set(digest, { ...original, bytes });
    await assert.rejects(copy(source, "v1", new MemoryRepository()), (error) => hasCode(error, "integrity"));
  }
});

Deno.test("one digest announced with two sizes fails the copy", async () => {
  const source = new MemoryRepository();
  const config = source.add("a/b", "{}");
  const layers = [{ ...config, size: config.size + 1 }];
  source.addManifest({ mediaType: MediaType.ociManifest, config, layers }, "v1");
  await assert.rejects(copy(source, "v1", new MemoryRepository()), (error) => hasCode(error, "integrity"));
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

Deno.test("a copy does not start over for ever", async () => {
  const source = new MemoryRepository();
  makeImage(source);
  const target = new MemoryRepository();
  target.commit = () => Promise.reject(new SatchelError("content-lost", "gone again"));
  await assert.rejects(copy(source, "v1", target), /gone again/);
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

Deno.test("an index of indexes that never ends is refused", async () => {
  const source = new MemoryRepository();
  let inner = source.addManifest({ mediaType: MediaType.ociIndex, manifests: [] });
  for (let level = 0; level < 40; level++) {
    inner = source.addManifest({
      mediaType: MediaType.ociIndex,
      manifests: [inner],
      annotations: { level: `${level}` },
    });
  }
  source.names.set("v1", inner.digest);
  await assert.rejects(copy(source, "v1", new MemoryRepository()), /more than 32 levels/);
});

Deno.test("a source that answers every digest with an index of itself is refused", async () => {
  const source = new MemoryRepository();
  const self = { mediaType: MediaType.ociIndex, digest: `sha256:${"1".repeat(64)}`, size: 0 };
  const index = source.addManifest({ mediaType: MediaType.ociIndex, manifests: [self] }, "v1");
  const { bytes } = source.contents.get(index.digest)!;
  source.fetch = async function* () {
    yield bytes;
  };
  await assert.rejects(copy(source, "v1", new MemoryRepository()), (error) => hasCode(error, "integrity"));
});

Deno.test("a target that is not fit to take anything fails the copy before anything is fetched", async () => {
  const source = new CountingRepository();
  makeImage(source);
  const target = new MemoryRepository();
  target.prepare = () => Promise.reject(new SatchelError("storage", "read-only"));
  await assert.rejects(copy(source, "v1", target, { tag: "v1" }), /read-only/);
  assert.deepEqual(source.fetched, []);
});

Deno.test("an attachment that is a part of its own subject is copied, however late the subject comes", async () => {
  const source = new MemoryRepository();
  const referrer = source.addManifest({ mediaType: MediaType.ociManifest, config: source.add("a/b", "r"), layers: [] });
  const inner = source.addManifest({ mediaType: MediaType.ociIndex, manifests: [referrer] });
  const subject = source.addManifest({ mediaType: MediaType.ociIndex, manifests: [inner] }, "v1");
  source.names.set(cosignTag(subject, ".sig"), referrer.digest);
  const fetch = source.fetch.bind(source);
  source.fetch = async function* (descriptor, options) {
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    yield* fetch(descriptor, options);
  };
  const target = new MemoryRepository();
  await copy(source, "v1", target, { tag: "v1" });
  assert.deepEqual([...target.names.keys()].sort(), [cosignTag(subject, ".sig"), "v1"].sort());
});

Deno.test("manifests that would fill the memory are refused", async () => {
  const source = new MemoryRepository();
  const config = source.add("a/b", "");
  const manifests = Array.from({ length: 12 }, (_, number) => {
    const annotations = { number: `${number}`, filler: "x".repeat(3_000_000) };
    return source.addManifest({ mediaType: MediaType.ociManifest, config, layers: [], annotations });
  });
  source.addManifest({ mediaType: MediaType.ociIndex, manifests }, "v1");
  await assert.rejects(copy(source, "v1", new MemoryRepository()), /more than 33554432 bytes of manifests/);
});

Deno.test("signatures of signatures without end are refused", async () => {
  const source = new MemoryRepository();
  let subject = makeImage(source).index;
  for (let level = 0; level < 12; level++) subject = attach(source, subject, "a/b");
  await assert.rejects(copy(source, "v1", new MemoryRepository()), /more than 8 levels of manifests that refer/);
});

Deno.test("a source cannot flood its user with warnings", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  source.referrers = async (subject) => {
    if (subject.digest !== index.digest) return [];
    return Array.from({ length: 500 }, () => ({ mediaType: "a/b", digest: index.digest, size: 1 }));
  };
  const warnings: string[] = [];
  await copy(source, "v1", new MemoryRepository(), { onWarning: (message) => warnings.push(message) });
  assert.equal(warnings.length, 21);
  assert.match(warnings[20], /There is more of this kind/);
});
