import { strict as assert } from "node:assert";
import { attach, CountingRepository, makeImage } from "./_testing.ts";
import { copy, MemoryRepository, planCopy } from "./mod.ts";

Deno.test("a plan lists what the copy then brings, and reads manifests alone", async () => {
  const source = new CountingRepository();
  const { index, config, platforms } = makeImage(source);
  const signature = attach(source, index, "application/vnd.example.signature");
  const plan = await planCopy(source, "v1", { tag: "v1" });
  const planned = plan.manifests.map(({ descriptor }) => descriptor.digest);
  assert.deepEqual(
    planned.toSorted(),
    [index, signature, ...platforms.map(({ manifest }) => manifest)]
      .map(({ digest }) => digest).sort(),
  );
  for (const { layer } of [...platforms, { layer: config }]) assert.ok(!source.fetched.includes(layer.digest));
  const target = new MemoryRepository();
  await copy(source, "v1", target, { tag: "v1" });
  const copied = [...planned, ...plan.blobs.map(({ digest }) => digest)];
  assert.deepEqual(copied.sort(), [...target.contents.keys()].sort());
  assert.deepEqual(plan.names.map(({ tag }) => tag), ["v1"]);
  assert.deepEqual(plan.attachments.map(({ subject }) => subject), [index.digest]);
});

Deno.test("a plan has the bytes of its manifests, children before their parents", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const { manifests } = await planCopy(source, "v1");
  for (const { descriptor, bytes } of manifests) {
    assert.deepEqual(bytes, source.contents.get(descriptor.digest)?.bytes);
  }
  assert.equal(manifests.at(-1)?.descriptor.digest, index.digest);
});
