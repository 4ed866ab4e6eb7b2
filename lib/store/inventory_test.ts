import { strict as assert } from "node:assert";
import { writeFileSync } from "node:fs";
import { MemoryRepository } from "../content/mod.ts";
import { blobFile, damage, makeImage, pull, removeBlob, scratch } from "./_testing.ts";

Deno.test("an inventory lists what is there with its size, and nothing that is missing or cut", async () => {
  using folder = scratch();
  const source = new MemoryRepository();
  const { config, layers: [first, second] } = makeImage(source, "example.org/a:v1");
  const store = folder.open();
  await pull(source, "example.org/a:v1", store);
  const list = () => store.content();
  assert.deepEqual(await list(), [config.digest, first.digest, second.digest].sort());
  removeBlob(folder.path, first.digest);
  assert.deepEqual(await list(), [config.digest, second.digest].sort());
  removeBlob(folder.path, second.digest);
  writeFileSync(blobFile(folder.path, second.digest), new Uint8Array(second.size - 1));
  assert.deepEqual(await list(), [config.digest]);
});

Deno.test("what has its size and wrong bytes is in an inventory, unless its bytes are checked", async () => {
  using folder = scratch();
  const source = new MemoryRepository();
  const { config, layers } = makeImage(source, "example.org/a:v1");
  const store = folder.open();
  await pull(source, "example.org/a:v1", store);
  damage(folder.path, config.digest);
  assert.ok((await store.content()).includes(config.digest));
  assert.deepEqual(await store.content({ check: true }), layers.map(({ digest }) => digest).sort());
});
