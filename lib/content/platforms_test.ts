import { strict as assert } from "node:assert";
import { formatPlatform, MediaType } from "../oci/mod.ts";
import { attach, CountingRepository, makeImage } from "./_testing.ts";
import { copy, MemoryRepository, planCopy, platformsOf } from "./mod.ts";

Deno.test("a sparse copy brings one platform's content and the index as it is", async () => {
  const source = new MemoryRepository();
  const { index, config, platforms: [amd64, arm64] } = makeImage(source);
  const target = new MemoryRepository();
  await copy(source, "v1", target, { tag: "v1", platforms: [{ os: "linux", architecture: "arm64" }] });
  assert.equal(target.names.get("v1"), index.digest);
  assert.deepEqual(
    [...target.contents.keys()].sort(),
    [index, config, arm64.manifest, arm64.layer].map(({ digest }) => digest).sort(),
  );
  assert.ok(!target.contents.has(amd64.manifest.digest));
});

async function platformsIn(source: MemoryRepository, options = {}): Promise<string[]> {
  return (await platformsOf(await planCopy(source, "v1", options), source)).map(formatPlatform);
}

const CONFIG = "application/vnd.oci.image.config.v1+json";
const S390X = { os: "linux", architecture: "s390x" };

Deno.test("an image is for what its index lists, not for what something that refers to it is for", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const of = attach(source, index, "application/vnd.example.sbom");
  source.addManifest({
    mediaType: MediaType.ociIndex,
    manifests: [{ ...of, platform: S390X }],
    subject: index,
  });
  assert.deepEqual(await platformsIn(source), ["linux/amd64", "linux/arm64"]);
  assert.deepEqual(await platformsIn(source, { platforms: [S390X] }), ["linux/amd64", "linux/arm64"]);
});

Deno.test("an image without an index, and what an index lists without a platform, is for what its config says", async () => {
  const source = new CountingRepository();
  const config = source.add(CONFIG, JSON.stringify(S390X));
  const manifest = source.addManifest({ mediaType: MediaType.ociManifest, config, layers: [] }, "v1");
  assert.deepEqual(await platformsIn(source), ["linux/s390x"]);
  const { platforms: [amd64] } = makeImage(source, "other");
  const inner = source.addManifest({ mediaType: MediaType.ociIndex, manifests: [manifest] });
  const beside = { ...amd64.manifest, platform: amd64.platform };
  source.addManifest({ mediaType: MediaType.ociIndex, manifests: [inner, manifest, beside] }, "v1");
  source.fetched.length = 0;
  assert.deepEqual(await platformsIn(source), ["linux/amd64", "linux/s390x"]);
  assert.equal(source.fetched.filter((digest) => digest === config.digest).length, 1);
});

Deno.test("attestations that stand beside the platforms are no platform, nor is their config asked", async () => {
  const source = new MemoryRepository();
  const config = source.add(CONFIG, JSON.stringify(S390X));
  const attestation = source.addManifest({ mediaType: MediaType.ociManifest, config, layers: [] });
  const unknown = { ...attestation, platform: { os: "unknown", architecture: "unknown" } };
  source.addManifest({ mediaType: MediaType.ociIndex, manifests: [unknown] }, "v1");
  assert.deepEqual(await platformsIn(source), []);
});
