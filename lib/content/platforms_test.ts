import { strict as assert } from "node:assert";
import { makeImage } from "./_testing.ts";
import { copy, MemoryRepository } from "./mod.ts";

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
