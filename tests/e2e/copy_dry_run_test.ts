import assert from "node:assert/strict";
import { describe, makeGadget, peerTest, pushImage, satchelSucceeds } from "../harness/mod.ts";
import { catalog, type Ends, startEnds } from "./copy_ends.ts";

/** What a dry run tells, as JSON. */
async function dryRun(ends: Ends, ...args: string[]) {
  const outcome = await ends.copy(...args, "--dry-run", "-o", "json");
  assert.equal(outcome.code, 0, describe(outcome));
  return JSON.parse(outcome.stdout);
}

async function folder(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).toSorted();
}

peerTest("registry", "a dry run moves nothing to any end, and tells what the copy then moves", async () => {
  await using ends = await startEnds();
  const { far, name, scratch } = ends;
  assert.deepEqual(await catalog(far), []);
  for (const to of [`${far.host}/mirror/app`, "store:", "archive:x.tar", "dir:layout"]) {
    const before = await catalog(far);
    const { images, total } = await dryRun(ends, name, to);
    assert.equal(images.length, 1);
    assert.deepEqual(images[0].move, total.move);
    assert.deepEqual(total.present, { blobs: 0, bytes: 0 });
    assert.deepEqual(await catalog(far), before);
    assert.deepEqual(await folder(scratch.path), []);
    const outcome = await ends.copy(name, to, "-o", "json");
    assert.deepEqual(total.move, JSON.parse(outcome.stdout).transferred, to);
    if (to !== "archive:x.tar") {
      assert.deepEqual((await dryRun(ends, name, to)).total.move, { blobs: 0, bytes: 0 }, to);
    }
    await Promise.all((await folder(scratch.path)).map((each) => Deno.remove(scratch.at(each), { recursive: true })));
  }
});

peerTest("registry", "a dry run of all tags counts what images share once", async () => {
  await using ends = await startEnds();
  const { near, far, gadget } = ends;
  await pushImage(near, "team/app", "same", gadget);
  const { images, total } = await dryRun(ends, `${near.host}/team/app`, `${far.host}/mirror/app`, "--all-tags");
  assert.deepEqual(images.map(({ move }: { move: { blobs: number } }) => move.blobs > 0), [true, false]);
  assert.deepEqual(total.move, images[0].move);
});

peerTest("registry", "a dry run says it in words, and what a registry could mount", async () => {
  await using ends = await startEnds();
  const { near, name, gadget } = ends;
  const outcome = await ends.copy(name, `${near.host}/other/place`, "--dry-run");
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(
    outcome.stdout,
    new RegExp(
      `^Would copy ${name} to ${near.host}/other/place:v1@${gadget.root.digest}: ` + String
        .raw`5 blobs \(.+\) would move, 6 blobs \(.+\) out of a repository of the same registry, 0 blobs \(0 B\) are there\n$`,
    ),
  );
  assert.deepEqual(await catalog(near), ["team/app"]);
});

peerTest("registry", "a dry run out of the store does not write to it", async () => {
  await using ends = await startEnds();
  const { near, far, store } = ends;
  const image = makeGadget();
  await pushImage(near, "team/other", "v1", image);
  const flags = ["--insecure-registries", near.host];
  await satchelSucceeds(["image", "pull", `${near.host}/team/other:v1`, ...flags], { store });
  const before = (await Deno.stat(`${store}/index.json`)).mtime?.getTime();
  const { total } = await dryRun(ends, `store:${near.host}/team/other:v1`, `${far.host}/x/y`);
  assert.equal(total.move.blobs, image.manifests.length + image.blobs.length);
  assert.equal((await Deno.stat(`${store}/index.json`)).mtime?.getTime(), before);
});
