import assert from "node:assert/strict";
import { type Descriptor, MediaType } from "../oci/mod.ts";
import type { Source } from "./content.ts";
import { copy } from "./copy.ts";
import { MemoryRepository } from "./memory.ts";

/** An image of one layer, and a source of it whose first `lies` answers for each piece of content are wrong. */
function lyingSource(lies: number): { source: Source; root: Descriptor; told: string[] } {
  const memory = new MemoryRepository();
  const config = memory.add("application/vnd.oci.empty.v1+json", "{}");
  const layer = memory.add("text/plain", "the layer");
  const child = memory.addManifest({ mediaType: MediaType.ociManifest, config, layers: [layer] });
  const root = memory.addManifest({ mediaType: MediaType.ociIndex, manifests: [child] }, "v1");
  const left = new Map<string, number>();
  const told: string[] = [];
  const source: Source = {
    name: "liar",
    resolve: (reference) => memory.resolve(reference),
    referrers: (subject) => memory.referrers(subject),
    async *fetch(descriptor, options) {
      if ((left.get(descriptor.digest) ?? lies) > 0) yield new Uint8Array(descriptor.size);
      else yield* memory.fetch(descriptor, options);
    },
    tags: () => memory.tags(),
    distrust({ digest }) {
      told.push(digest);
      const rest = (left.get(digest) ?? lies) - 1;
      left.set(digest, rest);
      return rest >= 0 && lies < 3;
    },
  };
  return { source, root, told };
}

Deno.test("wrong bytes are fetched again as long as the source has another place, manifests too", async () => {
  const { source, root, told } = lyingSource(2);
  const target = new MemoryRepository();
  await copy(source, "v1", target, { tag: "v1" });
  assert.equal(target.names.get("v1"), root.digest);
  assert.equal(told.length, 3 * 2);
});

Deno.test("wrong bytes end the copy when the source has no other place", async () => {
  const { source, told } = lyingSource(3);
  await assert.rejects(copy(source, "v1", new MemoryRepository()), { code: "integrity" });
  assert.equal(told.length, 1);
});

Deno.test("a source that has but one place is not asked", async () => {
  const { distrust: _, ...source } = lyingSource(1).source;
  await assert.rejects(copy(source, "v1", new MemoryRepository()), { code: "integrity" });
});

Deno.test("a source that always has one more place with wrong bytes does not keep the copy going without end", async () => {
  const { source } = lyingSource(Infinity);
  let told = 0;
  const endless = { ...source, distrust: () => ++told < 10_000 };
  await assert.rejects(copy(endless, "v1", new MemoryRepository()), { code: "integrity" });
  assert.equal(told, 31, "the last of 32 tries asks for no more");
});
