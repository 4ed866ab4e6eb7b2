import assert from "node:assert/strict";
import { copy } from "./copy.ts";
import { findLacking } from "./lacking.ts";
import { MemoryRepository } from "./memory.ts";
import { planCopy } from "./plan.ts";
import { KnownContent } from "./remembering.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** Two images that share a layer. */
function twoImages(): MemoryRepository {
  const memory = new MemoryRepository();
  const shared = memory.add("application/octet-stream", "shared layer");
  for (const tag of ["v1", "v2"]) {
    const config = memory.add("application/octet-stream", `config of ${tag}`);
    memory.addManifest({ mediaType: MANIFEST, config, layers: [shared] }, tag);
  }
  return memory;
}

Deno.test("all of an image is lacking at an empty target, which stays empty", async () => {
  const source = twoImages();
  const target = new MemoryRepository();
  const { lacking, present } = await findLacking(await planCopy(source, "v1"), target);
  assert.deepEqual([lacking.length, present.length, target.contents.size], [3, 0, 0]);
});

Deno.test("what another image has brought is not lacking", async () => {
  const source = twoImages();
  const target = new MemoryRepository();
  await copy(source, "v1", target, { tag: "v1" });
  const { lacking, present } = await findLacking(await planCopy(source, "v2"), target);
  assert.deepEqual([lacking.length, present.length], [2, 1]);
});

Deno.test("what another image of the same copy would bring is counted once", async () => {
  const source = twoImages();
  const target = new MemoryRepository();
  const known = new KnownContent();
  await findLacking(await planCopy(source, "v1"), target, { known });
  const { lacking, present } = await findLacking(await planCopy(source, "v2"), target, { known });
  assert.deepEqual([lacking.length, present.length], [2, 1]);
});
