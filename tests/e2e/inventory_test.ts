import assert from "node:assert/strict";
import { join } from "node:path";
import {
  describe,
  type Image,
  makeGadget,
  type Outcome,
  satchel,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

const NAME = "example.org/app:v1";

/** An image in the stores `near` and `far`. */
async function twoStores(scratch: Scratch): Promise<Image> {
  const image = makeGadget();
  for (const store of ["near", "far"]) await writeStore(scratch.at(store), [{ image, name: NAME }]);
  return image;
}

async function inventory(scratch: Scratch, ...flags: string[]): Promise<string[]> {
  const text = await satchelSucceeds(["store", "inventory", ...flags], { store: scratch.at("far") });
  await Deno.writeTextFile(scratch.at("have.json"), text);
  return JSON.parse(text).sha256;
}

async function bring(scratch: Scratch): Promise<Outcome> {
  const have = ["--have", scratch.at("have.json")];
  await satchelSucceeds(["image", "export", NAME, scratch.at("thin.tar"), ...have], { store: scratch.at("near") });
  return await satchel(["image", "import", scratch.at("thin.tar")], { store: scratch.at("far") });
}

const fileOf = (scratch: Scratch, digest: string) => join(scratch.at("far"), "blobs/sha256", digest.slice(7));

Deno.test("what an inventory lists and is damaged is told by the import, and mended by an inventory that was checked", async () => {
  await using scratch = await scratchFolder();
  const { blobs } = await twoStores(scratch);
  const { digest, bytes } = blobs[0];
  await Deno.writeFile(fileOf(scratch, digest), bytes.map((byte) => byte ^ 1));
  assert.ok((await inventory(scratch)).includes(digest.slice(7, 19)));
  const thin = await bring(scratch);
  assert.equal(thin.code, 1, describe(thin));
  assert.match(thin.stderr, new RegExp(`${NAME} lacks 1 blob \\(${bytes.length} bytes\\): ${digest}$`, "m"));
  assert.match(
    thin.stderr,
    /^Hint: At the destination it is there, but with wrong bytes\. `\S*satchel store inventory --check` lists anew/m,
  );
  assert.ok(!(await inventory(scratch, "--check")).includes(digest.slice(7, 19)));
  const mended = await bring(scratch);
  assert.equal(mended.code, 0, describe(mended));
  assert.deepEqual(await Deno.readFile(fileOf(scratch, digest)), bytes);
});

Deno.test("what was left out and is not there any more is told with what to do", async () => {
  await using scratch = await scratchFolder();
  const { blobs } = await twoStores(scratch);
  await inventory(scratch);
  for (const { digest } of blobs.slice(0, 2)) await Deno.remove(fileOf(scratch, digest));
  const thin = await bring(scratch);
  assert.equal(thin.code, 1, describe(thin));
  assert.match(thin.stderr, /lacks 2 blobs/);
  assert.match(
    thin.stderr,
    /^Hint: They are neither in \S+ nor at the destination\. `\S*satchel store inventory` lists anew what is here: export again/m,
  );
});
