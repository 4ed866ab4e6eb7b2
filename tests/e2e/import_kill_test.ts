import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import {
  attachmentTag,
  binary,
  describe,
  makeCosignSignature,
  makeGadget,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  scratchFolder,
} from "../harness/mod.ts";
import { listed, pack, writeLayout } from "./import_archives.ts";
import { runAndKill } from "./kill.ts";

const KILLS = 60;

Deno.test(`after each of ${KILLS} kill -9 during an import the store is whole, and the next import ends what was begun`, async () => {
  await using scratch = await scratchFolder();
  // Some with large parts, some with many, so that a kill may come in every phase.
  const images = [0, 1, 2, 3].map((at) => makeGadget(at < 2 ? { layerSize: 3_000_000 } : { layers: 60 }));
  const entries = images.flatMap((image, at) => [
    { image, name: `example.org/demo/${at}:v1` },
    { image: makeCosignSignature(image.root), name: attachmentTag(image.root.digest, ".sig") },
  ]);
  const folder = await writeLayout(scratch, entries);
  const archives = [await pack(scratch, folder), await pack(scratch, folder, "x.tar.gz", "--gzip"), folder];
  const digests = Object.fromEntries(images.map(({ root }, at) => [`example.org/demo/${at}:v1`, root.digest]));
  const store = scratch.at("store");
  const env = { ...satchelEnvironment(store, scratch.path), TMPDIR: scratch.path };
  const program = await binary();

  let usual = 100;
  let killed = 0;
  for (let round = 0; killed < KILLS; round++) {
    assert.ok(round < 4 * KILLS, `only ${killed} of ${round} imports were still running when they were killed`);
    const args = ["image", "import", archives[round % archives.length]];
    const outcome = await runAndKill(program, args, env, Math.sqrt(Math.random()) * usual);
    if (outcome.wasKilled) killed++;
    else {
      assert.equal(outcome.code, 0, describe(outcome));
      usual = outcome.ms;
    }
    const check = await satchel(["store", "check", "-o", "json"], { store });
    assert.equal(check.code, 0, describe(check));
    for (const [name, digest] of Object.entries(await listed(scratch))) assert.equal(digest, digests[name]);
    // From the start every now and then, else most imports find everything.
    if (!outcome.wasKilled || round % 4 === 0) await Deno.remove(store, { recursive: true }).catch(() => {});
  }

  await satchelSucceeds(["image", "import", archives[0]], { store });
  assert.deepEqual(await listed(scratch), digests);
  await satchelSucceeds(["store", "gc", "--min-age", "0s"], { store });
  assert.deepEqual(readdirSync(scratch.at("store", "ingest")), []);
  const spooled = readdirSync(scratch.path).filter((name) => !["layout", "x.tar", "x.tar.gz", "store"].includes(name));
  assert.deepEqual(spooled, [], "something was left where streams are spooled");
});
