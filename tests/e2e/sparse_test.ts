import assert from "node:assert/strict";
import {
  assertHolds,
  describe,
  type Image,
  makeGadget,
  pushImage,
  type Registry,
  satchel,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startServedRegistry,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

/** Brings one platform of an image of two into the store `far`. */
async function importSparse(scratch: Scratch, name: string): Promise<{ image: Image; store: string }> {
  const image = makeGadget();
  await writeStore(scratch.at("near"), [{ image, name }]);
  const sparse = ["--platform", "linux/arm64", "--sparse"];
  await satchelSucceeds(["image", "export", name, scratch.at("x.tar"), ...sparse], { store: scratch.at("near") });
  await satchelSucceeds(["image", "import", scratch.at("x.tar")], { store: scratch.at("far") });
  return { image, store: scratch.at("far") };
}

async function push(registry: Registry, name: string, store: string) {
  return await satchel(["image", "push", name, "--insecure-registries", registry.host], { store });
}

Deno.test("image list has the platforms whose content is there apart from those that were left out", async () => {
  await using scratch = await scratchFolder();
  const { image, store } = await importSparse(scratch, "example.org/app:v1");
  const list = async (store: string) => JSON.parse(await satchelSucceeds(["image", "list", "-o", "json"], { store }));
  const [[whole], [sparse]] = await Promise.all([list(scratch.at("near")), list(store)]);
  assert.deepEqual([whole.Platforms, whole.LeftOut], [["linux/amd64", "linux/arm64"], []]);
  assert.deepEqual([sparse.Platforms, sparse.LeftOut], [["linux/arm64"], ["linux/amd64"]]);
  assert.deepEqual([sparse.Digest, sparse.State], [image.root.digest, "ok"]);
  assert.ok(sparse.Size < whole.Size);
});

Deno.test("a sparse image is not pushed where the rest is missing, and nothing is put there", async () => {
  await using registry = await startServedRegistry();
  await using scratch = await scratchFolder();
  const name = `${registry.host}/demo/app:v1`;
  const { store } = await importSparse(scratch, name);
  const outcome = await push(registry, name, store);
  assert.equal(outcome.code, 3, describe(outcome));
  assert.match(outcome.stderr, /: the store has it for linux\/arm64 only, and \S+ has not the rest\nHint: /);
  assert.deepEqual((await (await registry.fetch("/v2/_catalog")).json()).repositories, []);
});

Deno.test("a sparse image is pushed where the rest is there already", async () => {
  await using registry = await startServedRegistry();
  await using scratch = await scratchFolder();
  const name = `${registry.host}/demo/app:v1`;
  const { image, store } = await importSparse(scratch, name);
  await pushImage(registry, "demo/app", "old", image);
  const outcome = await push(registry, name, store);
  assert.equal(outcome.code, 0, describe(outcome));
  await assertHolds(registry, "demo/app", "v1", image);
});
