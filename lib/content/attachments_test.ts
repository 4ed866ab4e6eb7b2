import assert from "node:assert/strict";
import { SatchelError } from "../error.ts";
import { MediaType } from "../oci/mod.ts";
import { copy } from "./copy.ts";
import { MemoryRepository } from "./memory.ts";
import { attach, cosignTag, makeImage, RecordingRepository } from "./_testing.ts";

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
