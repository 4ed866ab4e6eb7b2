import assert from "node:assert/strict";
import {
  assertHolds,
  binary,
  capabilityTest,
  describe,
  type Image,
  makeCosignSignature,
  makeGadget,
  pushImage,
  satchel,
  satchelSucceeds,
  scratchFolder,
  type Served,
  startServe,
  succeed,
  WRITABLE,
} from "../harness/mod.ts";
import { assertClean, names, push, startWorld, unfinished } from "./serve_writes.ts";

const KILLS = 40;

/** Pushes until it is done, or the server is gone. */
async function pushUntilGone(served: Served, images: readonly Image[], round: number): Promise<void> {
  await Promise.allSettled(images.map(async (image, at) => {
    await pushImage(served, `example.org/demo/${at}`, `v${round % 3}`, image);
    await pushImage(served, `example.org/demo/${at}`, `sha256-${image.root.digest.slice(7)}.sig`, signatureOf(image));
  }));
}

const signatures = new Map<Image, Image>();

function signatureOf(image: Image): Image {
  const known = signatures.get(image) ?? makeCosignSignature(image.root);
  signatures.set(image, known);
  return known;
}

Deno.test("after each kill -9, mostly in the middle of pushes, the store is whole, and all that is named can be pulled", async () => {
  await using scratch = await scratchFolder();
  await binary();
  const store = scratch.at("store");
  const images = [0, 1, 2, 3].map((at) => makeGadget(at < 2 ? { layerSize: 3_000_000 } : { layers: 20 }));
  let usual = 200;
  // A push may be over before its server is killed; how often depends on what else this host does.
  for (let round = 0, killed = 0; killed < KILLS && round < 2 * KILLS; round++) {
    await using served = await startServe({ store, flags: WRITABLE });
    const began = performance.now();
    let isDone = false;
    const pushing = pushUntilGone(served, images, round).then(() => isDone = true);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.sqrt(Math.random()) * usual);
    await Promise.race([pushing, late]);
    clearTimeout(timer);
    if (isDone) usual = performance.now() - began;
    else killed++;
    served.process.kill("SIGKILL");
    await served.process.status;
    await pushing;
    const check = await satchel(["store", "check", "-o", "json"], { store });
    assert.equal(check.code, 0, describe(check));
    assert.deepEqual(JSON.parse(check.stdout).damage, []);
    await using second = await startServe({ store });
    for (const [name, digest] of Object.entries(await names(store))) {
      const [, at, tag] = /demo\/(\d):(.+)$/.exec(name)!;
      assert.equal(digest, images[Number(at)].root.digest);
      await assertHolds(second, `example.org/demo/${at}`, tag, images[Number(at)]);
    }
    // From the start every now and then, else most pushes find everything.
    if (isDone || round % 4 === 0) await Deno.remove(store, { recursive: true }).catch(() => {});
  }
  await using served = await startServe({ store, flags: WRITABLE });
  for (const [at, image] of images.entries()) await pushImage(served, `example.org/demo/${at}`, "v1", image);
  await satchelSucceeds(["store", "gc", "--min-age", "0s"], { store });
  assert.deepEqual(unfinished(store), []);
  await assertClean(store, ["untagged"]);
});

capabilityTest("mount", "on a full disk a push fails with a reason, and nothing of it is left", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("small");
  await Deno.mkdir(store);
  await succeed("mount", ["-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", store]);
  try {
    await using served = await startServe({ store, flags: WRITABLE });
    const small = makeGadget();
    await pushImage(served, "example.org/small", "v1", small);
    const url = "/v2/example.org/large/blobs/uploads/";
    const body = new Uint8Array(6_000_000);
    const whole = await served.fetch(`${url}?digest=sha256:${"0".repeat(64)}`, { method: "POST", body });
    assert.equal(whole.status, 507);
    assert.match((await whole.json()).errors[0].message, /the disk of this registry is full/);
    const started = await served.fetch(url, { method: "POST" });
    const location = started.headers.get("Location")!;
    const patched = await served.fetch(location, { method: "PATCH", body });
    assert.equal(patched.status, 507);
    await patched.body?.cancel();
    assert.equal((await served.fetch(location)).status, 404);
    assert.deepEqual(unfinished(store), []);
    await assertClean(store);
    await assertHolds(served, "example.org/small", "v1", small);
    await pushImage(served, "example.org/another", "v1", makeGadget());
  } finally {
    await succeed("umount", ["--lazy", store]);
  }
});

Deno.test("where files cannot be so large a push fails with a reason, and what was there is served on", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const shell = `trap '' XFSZ; ulimit -f 2000; exec "$@"`;
  await using served = await startServe({ store, flags: WRITABLE, shell });
  const small = makeGadget();
  await pushImage(served, "example.org/small", "v1", small);
  const url = `/v2/example.org/large/blobs/uploads/?digest=sha256:${"0".repeat(64)}`;
  const refused = await served.fetch(url, { method: "POST", body: new Uint8Array(6_000_000) });
  assert.equal(refused.status, 500);
  assert.match((await refused.json()).errors[0].message, /the file system failed/);
  await assertHolds(served, "example.org/small", "v1", small);
  assert.deepEqual(unfinished(store), []);
  await assertClean(store);
});

Deno.test("while others remove images and collect garbage, a push brings all or is told to come again", async () => {
  await using world = await startWorld();
  const { served, store } = world;
  const gadget = makeGadget({ layers: 3 });
  let isOver = false;
  const remove = async () => {
    while (!isOver) {
      await satchel(["image", "remove", "example.org/other:v1"], { store });
      await satchel(["store", "gc", "--min-age", "0s"], { store });
    }
  };
  const pushAll = async (repository: string) => {
    for (let round = 0; round < 25; round++) {
      // Blobs that the other name brought may go at any moment: the client then has to send them again.
      for (let attempt = 1;; attempt++) {
        try {
          await push(world, repository, "v1", gadget);
          break;
        } catch (error) {
          assert.match(String(error), /MANIFEST_BLOB_UNKNOWN|BLOB_UPLOAD_UNKNOWN|removed meanwhile/);
          assert.ok(attempt < 100);
        }
      }
      if (repository === "example.org/kept") await assertHolds(served, repository, "v1", gadget);
    }
  };
  const removing = remove();
  await Promise.all([pushAll("example.org/kept"), pushAll("example.org/other")]).finally(() => isOver = true);
  await removing;
  await assertHolds(served, "example.org/kept", "v1", gadget);
  const check = await satchel(["store", "check"], { store });
  assert.equal(check.code, 0, describe(check));
});
