import assert from "node:assert/strict";
import {
  attachmentTag,
  describe,
  makeCosignSignature,
  makeGadget,
  makeReferrer,
  satchel,
  scratchFolder,
} from "../harness/mod.ts";
import {
  blobAt,
  exists,
  FULL,
  gadgetArchive,
  importInto,
  listed,
  pack,
  storedNames,
  writeLayout,
} from "./import_archives.ts";
import { writeModule } from "./plugin_files.ts";

Deno.test("-o json tells what was new, what was there, and what came along", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget();
  const sbom = makeReferrer(image.root, { artifactType: "application/example.sbom", payload: "a list" });
  const folder = await writeLayout(scratch, [
    { image, name: FULL },
    { image: sbom },
    { image: makeCosignSignature(image.root), name: attachmentTag(image.root.digest, ".sig") },
  ]);
  const path = await pack(scratch, folder);
  const [report] = JSON.parse((await importInto(scratch, path, "-o", "json")).stdout);
  const { new: brought, ...rest } = report;
  assert.deepEqual(rest, {
    name: FULL,
    digest: image.root.digest,
    mediaType: image.root.mediaType,
    size: image.root.bytes.length,
    present: { blobs: 0, bytes: 0 },
    referrers: { "application/example.sbom": 1, "application/vnd.dev.cosign.simplesigning.v1+json": 1 },
  });
  assert.ok(brought.blobs >= 9 && brought.bytes > 2000);
  const [again] = JSON.parse((await importInto(scratch, path, "-o", "json")).stdout);
  assert.deepEqual([again.new, again.present], [{ blobs: 0, bytes: 0 }, brought]);
});

Deno.test("names are printed in order, without those of attachments, and nothing with --quiet", async () => {
  await using scratch = await scratchFolder();
  const [a, b] = [makeGadget(), makeGadget()];
  const folder = await writeLayout(scratch, [
    { image: b, name: "example.org/b:v1" },
    { image: makeCosignSignature(b.root), name: attachmentTag(b.root.digest, ".sig") },
    { image: a, name: "example.org/a:v1" },
  ]);
  const { stdout, stderr } = await importInto(scratch, folder);
  const lines = ["Successfully imported images:", "  example.org/a:v1", "  example.org/b:v1", "With them: 1 signature"];
  assert.deepEqual([stdout, stderr], [`${lines.join("\n")}\n`, ""]);
  assert.deepEqual(await storedNames(scratch), [
    "example.org/a:v1",
    "example.org/b:v1",
    attachmentTag(b.root.digest, ".sig"),
  ]);
  assert.deepEqual((await importInto(scratch, folder, "-q")).stdout, "");
});

Deno.test("--referrers=false leaves out what refers to an image", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget();
  const folder = await writeLayout(scratch, [
    { image, name: FULL },
    { image: makeCosignSignature(image.root), name: attachmentTag(image.root.digest, ".sig") },
  ]);
  assert.equal((await importInto(scratch, folder, "--referrers=false")).code, 0);
  assert.deepEqual(await storedNames(scratch), [FULL]);
});

for (
  const [what, flags] of Object.entries({
    "a --name that no image needs": ["--name", "example.org/a"],
    "a --tag without a new name": ["--tag", "v1="],
    "a --tag without =": ["--tag", "v1"],
    "a --tag whose name is none": ["--tag", `${FULL}=a b`],
    "a --name with a digest": ["--name", `example.org/a@sha256:${"0".repeat(64)}`],
  })
) {
  Deno.test(`${what} is wrong usage, and nothing is written`, async () => {
    await using scratch = await scratchFolder();
    const { path } = await gadgetArchive(scratch);
    const outcome = await importInto(scratch, path, ...flags);
    assert.deepEqual([outcome.code, outcome.stdout], [2, ""], describe(outcome));
    assert.ok(!exists(scratch.at("store")));
  });
}

Deno.test("a --tag for nothing in the archive is not found, and nothing is written", async () => {
  await using scratch = await scratchFolder();
  const { path } = await gadgetArchive(scratch);
  const outcome = await importInto(scratch, path, "--tag", "v9=example.org/x:v1");
  assert.deepEqual([outcome.code, outcome.stdout], [3, ""], describe(outcome));
  assert.match(outcome.stderr, /nothing in \S+ is called "v9"\nHint: There is: example\.org\/a\/b:v1\./);
  assert.ok(!exists(scratch.at("store")));
});

Deno.test("a tag behind --name is that of the only image with a tag alone, and an error where there are several", async () => {
  await using scratch = await scratchFolder();
  const one = await writeLayout(scratch, [{ image: makeGadget(), name: "v1" }], "one");
  const renamed = await importInto(scratch, one, "--name", "example.org/a:v9");
  assert.equal(renamed.stdout, "Successfully imported images:\n  example.org/a:v9\n");
  const entries = ["v1", "v2"].map((name) => ({ image: makeGadget(), name }));
  const two = await writeLayout(scratch, entries, "two");
  const several = await importInto(scratch, two, "--name", "example.org/a:v9");
  assert.equal(several.code, 2, describe(several));
  assert.match(several.stderr, /example\.org\/a:v9 would be the name of 2 images: v1, v2/);
  const kept = await importInto(scratch, two, "--name", "example.org/a");
  assert.equal(kept.stdout, "Successfully imported images:\n  example.org/a:v1\n  example.org/a:v2\n");
});

Deno.test("what helps several images is said once, and digests that a flag takes are told", async () => {
  await using scratch = await scratchFolder();
  const images = ["v1", "v2", "a b"].map((name) => ({ image: makeGadget(), name }));
  const folder = await writeLayout(scratch, images);
  const { stderr } = await importInto(scratch, folder);
  assert.equal(stderr.match(/^Error: /gm)?.length, 3, stderr);
  assert.equal(stderr.match(/^Hint: .*--name REPO/gm)?.length, 1, stderr);
  const [, rename] = /--tag (sha256:[0-9a-f]{64})=/.exec(stderr) ?? [];
  assert.equal(rename, images[2].image.root.digest);
  const outcome = await importInto(scratch, folder, "--name", "example.org/a", "--tag", `${rename}=example.org/b:v3`);
  assert.equal(outcome.code, 0, describe(outcome));
});

Deno.test("names that are no names are each told, and the other images imported", async () => {
  await using scratch = await scratchFolder();
  const images = ["v1", "a b", `example.org/${"x".repeat(300)}:v1`, FULL].map((name) => ({
    name,
    image: makeGadget(),
  }));
  const outcome = await importInto(scratch, await writeLayout(scratch, images));
  assert.deepEqual([outcome.code, outcome.stdout], [1, `Successfully imported images:\n  ${FULL}\n`]);
  assert.equal(outcome.stderr.match(/^Error: /gm)?.length, 3, outcome.stderr);
  assert.deepEqual(Object.keys(await listed(scratch)), [FULL]);
});

Deno.test("a name that exists moves, and what it stood for stays", async () => {
  await using scratch = await scratchFolder();
  await importInto(scratch, (await gadgetArchive(scratch)).path);
  const image = makeGadget();
  const folder = await writeLayout(scratch, [{ image, name: FULL }], "second");
  assert.equal((await importInto(scratch, folder)).code, 0);
  assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
});

Deno.test("content that the archive lacks is taken from the store, and an import ends what another one began", async () => {
  await using scratch = await scratchFolder();
  const { folder, image } = await gadgetArchive(scratch);
  const layer = blobAt(folder, image.blobs[1].digest);
  const bytes = await Deno.readFile(layer);
  await Deno.remove(layer);
  const lacking = await importInto(scratch, folder);
  assert.equal(lacking.code, 1, describe(lacking));
  assert.match(lacking.stderr, new RegExp(`${FULL} lacks 1 blob \\(1000 bytes\\): ${image.blobs[1].digest}`));
  await Deno.writeFile(layer, bytes);
  await importInto(scratch, folder);
  await Deno.remove(layer);
  assert.equal((await importInto(scratch, folder)).code, 0);
});

Deno.test("what afterImport refuses gets no name; it is asked about each image, with the archive", async () => {
  await using scratch = await scratchFolder();
  const [a, b] = [makeGadget(), makeGadget()];
  const entries = [{ image: a, name: "example.org/a:v1" }, { image: b, name: "example.org/b:v1" }];
  const folder = await writeLayout(scratch, entries);
  const asked = scratch.at("asked.jsonl");
  const plugin = await writeModule(
    scratch,
    "guard",
    `async afterImport(request) {
    const { appendFileSync } = await import("node:fs");
    appendFileSync(${JSON.stringify(asked)}, JSON.stringify(request) + "\\n");
    return request.repository === "a" ? { allow: false, reason: "not this one" } : { allow: true };
  },`,
  );
  const outcome = await importInto(scratch, folder, "--plugin", plugin);
  assert.deepEqual([outcome.code, outcome.stdout], [5, "Successfully imported images:\n  example.org/b:v1\n"]);
  assert.match(
    outcome.stderr,
    /^Error: importing images: example.org\/a:v1: refused by the plugin guard: not this one$/m,
  );
  assert.deepEqual(await listed(scratch), { "example.org/b:v1": b.root.digest });
  const requests = (await Deno.readTextFile(asked)).trimEnd().split("\n").sort().map((line) => JSON.parse(line));
  assert.deepEqual(requests.map(({ reference, archive, store }) => [reference, archive, store]), [
    ["example.org/a:v1", folder, scratch.at("store")],
    ["example.org/b:v1", folder, scratch.at("store")],
  ]);
});

Deno.test("a sparse image is said to be so, and is no damage to the store", async () => {
  await using scratch = await scratchFolder();
  const { folder, image: { manifests: [amd64], blobs } } = await gadgetArchive(scratch);
  for (const { digest } of [amd64, blobs[1]]) await Deno.remove(blobAt(folder, digest));
  const index = JSON.parse(await Deno.readTextFile(`${folder}/index.json`));
  index.manifests.splice(1, 1);
  index.manifests[0].annotations["io.satchel.image.platforms"] = "linux/arm64";
  await Deno.writeTextFile(`${folder}/index.json`, JSON.stringify(index));
  const outcome = await importInto(scratch, folder);
  assert.deepEqual([outcome.code, outcome.stdout], [
    0,
    `Successfully imported images:\n  ${FULL} (linux/arm64 only)\n`,
  ], describe(outcome));
  for (const args of [["store", "check"], ["image", "tag", FULL, "other"], ["store", "gc", "--min-age", "0s"]]) {
    const next = await satchel(args, { store: scratch.at("store") });
    assert.deepEqual([next.code, next.stderr], [0, ""], describe(next));
  }
});

Deno.test("an image without a name beside others is left out with a warning, unless it is only damaged", async () => {
  await using scratch = await scratchFolder();
  const [named, nameless] = [makeGadget(), makeGadget()];
  const folder = await writeLayout(scratch, [{ image: named, name: FULL }, { image: nameless }]);
  const outcome = await importInto(scratch, folder);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(outcome.stderr, new RegExp(`^Warning: ${nameless.root.digest} in \\S+ has no name and is left out`));
  await Deno.writeTextFile(blobAt(folder, nameless.root.digest), "damaged");
  const damaged = await importInto(scratch, folder);
  assert.equal(damaged.code, 5, describe(damaged));
  assert.match(damaged.stderr, new RegExp(nameless.root.digest));
});
