import assert from "node:assert/strict";
import { hasCode, SatchelError } from "../error.ts";
import { MediaType } from "../oci/mod.ts";
import { copy } from "./copy.ts";
import { MemoryRepository } from "./memory.ts";
import { attach, makeImage } from "./_testing.ts";

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

Deno.test("a copy does not start over for ever", async () => {
  const source = new MemoryRepository();
  makeImage(source);
  const target = new MemoryRepository();
  target.commit = () => Promise.reject(new SatchelError("content-lost", "gone again"));
  await assert.rejects(copy(source, "v1", target), /gone again/);
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
