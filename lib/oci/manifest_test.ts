import assert from "node:assert/strict";
import fc from "fast-check";
import { SatchelError } from "../error.ts";
import { digestOf } from "./digest.ts";
import { MAX_MANIFEST_SIZE, parseManifest, referrerDescriptor } from "./manifest.ts";
import { MediaType } from "./media_types.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const descriptor = (text: string, mediaType = "application/octet-stream") => ({
  mediaType,
  digest: digestOf(new TextEncoder().encode(text)),
  size: text.length,
});

Deno.test("an image points to its config, then to its layers in order", () => {
  const image = { schemaVersion: 2, config: descriptor("c"), layers: [descriptor("1"), descriptor("2")] };
  const manifest = parseManifest(encode(image), MediaType.ociManifest, "it");
  assert.deepEqual(manifest.children, [image.config, ...image.layers]);
  assert.equal(manifest.kind, "image");
});

Deno.test("an index points to its manifests and keeps what it says about their platforms", () => {
  const platform = { architecture: "arm64", os: "linux", variant: "v8" };
  const index = { manifests: [{ ...descriptor("m", MediaType.ociManifest), platform, artifactType: "a/b" }] };
  const [child] = parseManifest(encode(index), MediaType.ociIndex, "it").children;
  assert.deepEqual(child.platform, platform);
  assert.equal(child.artifactType, "a/b");
});

Deno.test("an index without a list, or with null, is empty", () => {
  for (const index of [{}, { manifests: null }]) {
    assert.deepEqual(parseManifest(encode(index), MediaType.ociIndex, "it").children, []);
  }
});

Deno.test("an artifact manifest points to its blobs and names its subject", () => {
  const artifact = { artifactType: "a/b", blobs: [descriptor("x")], subject: descriptor("s", MediaType.ociManifest) };
  const manifest = parseManifest(encode(artifact), MediaType.ociArtifact, "it");
  assert.deepEqual(manifest.children, artifact.blobs);
  assert.deepEqual(manifest.subject, artifact.subject);
  assert.equal(manifest.artifactType, "a/b");
});

Deno.test("the type of an artifact without artifactType is that of its config", () => {
  const image = { config: descriptor("c", "application/vnd.example+json"), layers: [] };
  assert.equal(parseManifest(encode(image), MediaType.ociManifest, "it").artifactType, "application/vnd.example+json");
});

Deno.test("a manifest that says it is of another type than announced is refused", () => {
  const image = { mediaType: MediaType.dockerManifest, config: descriptor("c"), layers: [] };
  assert.throws(() => parseManifest(encode(image), MediaType.ociManifest, "it"), /announced as .* but says/);
});

Deno.test("a manifest that can be read as two kinds is refused", () => {
  const both = { manifests: [], config: descriptor("c"), layers: [] };
  for (const mediaType of [MediaType.ociIndex, MediaType.ociManifest]) {
    assert.throws(() => parseManifest(encode(both), mediaType, "it"), /members of another kind/);
  }
});

Deno.test("a manifest that is too large is refused unread", () => {
  const large = new Uint8Array(MAX_MANIFEST_SIZE + 1);
  assert.throws(() => parseManifest(large, MediaType.ociIndex, "it"), /too large: 4194305 bytes/);
});

Deno.test("an index of too many entries is refused", () => {
  const index = { manifests: new Array(20_000).fill({}) };
  assert.throws(
    () => parseManifest(encode(index), MediaType.ociIndex, "it"),
    /lists 20000 manifests, the limit is 10000/,
  );
});

Deno.test("a descriptor with a wrong digest, size or type is refused and its place is named", () => {
  const wrong = [
    { ...descriptor("1"), digest: "sha256:../../x" },
    { ...descriptor("1"), size: -1 },
    { ...descriptor("1"), size: 1.5 },
    { ...descriptor("1"), size: "1" },
    { ...descriptor("1"), size: 2 ** 60 },
    { ...descriptor("1"), mediaType: "a/b\r\nX-Evil: 1" },
    null,
    "text",
  ];
  for (const layer of wrong) {
    const image = { config: descriptor("c"), layers: [descriptor("0"), layer] };
    assert.throws(() => parseManifest(encode(image), MediaType.ociManifest, "it"), /layers\[1\] of it/);
  }
});

Deno.test("Docker's schema 1 is refused with a way out", () => {
  assert.throws(() => parseManifest(encode({ schemaVersion: 1 }), MediaType.dockerSchema1, "it"), (error: unknown) => {
    assert.ok(error instanceof SatchelError);
    assert.match(error.hint ?? "", /Push the image again/);
    return true;
  });
});

Deno.test("a referrer is listed with the type and annotations of its manifest, not with those that its descriptor had", () => {
  const described = { ...descriptor("r", MediaType.ociManifest), annotations: { from: "elsewhere" } };
  const { annotations: _, ...plain } = described;
  const body = { config: descriptor("c", "application/vnd.example"), layers: [], annotations: { a: "b" } };
  const manifest = parseManifest(encode(body), MediaType.ociManifest, "it");
  assert.deepEqual(referrerDescriptor(described, manifest), {
    ...plain,
    artifactType: "application/vnd.example",
    annotations: { a: "b" },
  });
  const bare = parseManifest(encode({ manifests: [] }), MediaType.ociIndex, "it");
  assert.deepEqual(referrerDescriptor(described, bare), plain);
});

Deno.test("a type from outside is shown cut, and without what a terminal acts on", () => {
  const text = `\u009b31m${"x".repeat(3_000_000)}`;
  const cases: [unknown, string][] = [
    [{ mediaType: text, manifests: [] }, MediaType.ociIndex],
    [{ mediaType: { of: text }, manifests: [] }, MediaType.ociIndex],
    [{}, text],
  ];
  for (const [json, mediaType] of cases) {
    assert.throws(() => parseManifest(encode(json), mediaType, "it"), ({ message }: Error) => {
      return message.length < 300 && message.includes("\\x9b31mxxx") && !message.includes("\u009b");
    });
  }
});

Deno.test("any JSON is either a manifest or an error of the one kind", () => {
  const shape = fc.record({
    mediaType: fc.option(fc.constantFrom(MediaType.ociIndex, MediaType.ociManifest, "x")),
    manifests: fc.jsonValue(),
    config: fc.jsonValue(),
    layers: fc.jsonValue(),
    subject: fc.jsonValue(),
    annotations: fc.jsonValue(),
  }, { requiredKeys: [] });
  fc.assert(fc.property(shape, fc.constantFrom(MediaType.ociIndex, MediaType.ociManifest), (json, mediaType) => {
    try {
      parseManifest(encode(json), mediaType, "it");
    } catch (error) {
      assert.ok(error instanceof SatchelError && error.code === "invalid", String(error));
    }
  }));
});
