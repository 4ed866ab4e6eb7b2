import assert from "node:assert/strict";
import {
  describe,
  type Image,
  makeGadget,
  satchel,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

const NAME = "example.org/app:v1";

/** A store with an image of two platforms, and of it `whole.tar`, `amd64.tar` and `arm64.tar`. */
async function archives(scratch: Scratch): Promise<Image> {
  const image = makeGadget();
  const store = scratch.at("near");
  await writeStore(store, [{ image, name: NAME }]);
  await satchelSucceeds(["image", "export", NAME, scratch.at("whole.tar")], { store });
  for (const architecture of ["amd64", "arm64"]) {
    const sparse = ["--platform", `linux/${architecture}`, "--sparse"];
    await satchelSucceeds(["image", "export", NAME, scratch.at(`${architecture}.tar`), ...sparse], { store });
  }
  return image;
}

/** What `image import -o json` says of the one image's platforms. */
async function imported(scratch: Scratch, file: string, ...flags: string[]): Promise<string[] | undefined> {
  const args = ["image", "import", scratch.at(file), "-o", "json", ...flags];
  const [{ platforms }] = JSON.parse(await satchelSucceeds(args, { store: scratch.at("far") }));
  return platforms;
}

async function platforms(scratch: Scratch, ...flags: string[]): Promise<[string[], string[]][]> {
  const listed = await satchelSucceeds(["image", "list", "-o", "json", ...flags], { store: scratch.at("far") });
  return JSON.parse(listed).map(({ Platforms, LeftOut }: Record<string, string[]>) => [Platforms, LeftOut]);
}

Deno.test("a sparse archive over the whole image takes nothing away", async () => {
  await using scratch = await scratchFolder();
  await archives(scratch);
  assert.equal(await imported(scratch, "whole.tar"), undefined);
  assert.equal(await imported(scratch, "arm64.tar"), undefined);
  const store = scratch.at("far");
  await satchelSucceeds(["image", "copy", `archive:${scratch.at("amd64.tar")}`, `store:${NAME}`], { store });
  assert.deepEqual(await platforms(scratch), [[["linux/amd64", "linux/arm64"], []]]);
  await satchelSucceeds(["image", "export", NAME, scratch.at("again.tar")], { store });
  assert.deepEqual(await Deno.readFile(scratch.at("again.tar")), await Deno.readFile(scratch.at("whole.tar")));
});

Deno.test("a sparse archive over an image that has lost something else is no success", async () => {
  await using scratch = await scratchFolder();
  const image = await archives(scratch);
  await imported(scratch, "whole.tar");
  const amd64 = JSON.parse(new TextDecoder().decode(image.manifests[0].bytes)).layers[0].digest;
  await Deno.remove(scratch.at(`far/blobs/sha256/${amd64.slice("sha256:".length)}`));
  const outcome = await satchel(["image", "import", scratch.at("arm64.tar")], { store: scratch.at("far") });
  assert.equal(outcome.code, 5, describe(outcome));
  assert.match(outcome.stderr, /app:v1 has lost something in \S+, and only what is for linux\/arm64 came/);
});

Deno.test("sparse archives of two platforms add up to the whole image", async () => {
  await using scratch = await scratchFolder();
  await archives(scratch);
  assert.deepEqual(await imported(scratch, "amd64.tar"), ["linux/amd64"]);
  assert.deepEqual(await platforms(scratch), [[["linux/amd64"], ["linux/arm64"]]]);
  assert.equal(await imported(scratch, "arm64.tar"), undefined);
  assert.deepEqual(await platforms(scratch), [[["linux/amd64", "linux/arm64"], []]]);
  assert.match(await satchelSucceeds(["store", "check"], { store: scratch.at("far") }), /nothing is damaged/);
});

Deno.test("a sparse image is whole when the whole one comes under another name", async () => {
  await using scratch = await scratchFolder();
  await archives(scratch);
  await imported(scratch, "arm64.tar");
  await imported(scratch, "whole.tar", "--tag", `${NAME}=example.org/other:v1`);
  assert.deepEqual(await platforms(scratch), [1, 2].map(() => [["linux/amd64", "linux/arm64"], []]));
});

Deno.test("an archive cannot say of an image that it is there for a platform which it is not for", async () => {
  await using scratch = await scratchFolder();
  await archives(scratch);
  const bytes = await Deno.readFile(scratch.at("arm64.tar"));
  const text = new TextDecoder("latin1").decode(bytes);
  const lying = text.replace('.platforms":"linux/arm64"', '.platforms":"linux/s390x"');
  assert.notEqual(lying, text);
  await Deno.writeFile(scratch.at("lying.tar"), Uint8Array.from(lying, (character) => character.charCodeAt(0)));
  await imported(scratch, "whole.tar");
  const store = scratch.at("far");
  const outcome = await satchel(["image", "import", scratch.at("lying.tar")], { store });
  assert.notEqual(outcome.code, 0, describe(outcome));
  assert.match(
    outcome.stderr,
    /example\.org\/app:v1: it is said to be there for linux\/s390x only, and it is for linux\/amd64, linux\/arm64/,
  );
  assert.deepEqual(await platforms(scratch), [[["linux/amd64", "linux/arm64"], []]]);
  const copied = await satchel([
    "image",
    "copy",
    `archive:${scratch.at("lying.tar")}`,
    `archive:${scratch.at("y.tar")}`,
  ]);
  assert.notEqual(copied.code, 0, describe(copied));
  assert.equal((await satchel(["archive", "verify", scratch.at("lying.tar")])).code, 5);
});
