import assert from "node:assert/strict";
import {
  assertHolds,
  crane,
  describe,
  digestOf,
  makeGadget,
  oras,
  peerTest,
  pushImage,
  satchel,
  satchelSucceeds,
  scratchFolder,
  skopeo,
} from "../harness/mod.ts";
import { assertHoldsAll, catalog, type Ends, startEnds } from "./copy_ends.ts";
import { blobAt, exists, gadgetArchive } from "./import_archives.ts";

/** Copies, which must succeed, and returns what `-o json` told. */
async function copied(ends: Ends, ...args: string[]) {
  const outcome = await ends.copy(...args, "-o", "json");
  assert.equal(outcome.code, 0, describe(outcome));
  return JSON.parse(outcome.stdout);
}

for (const medium of ["archive:x.tar", "dir:layout"]) {
  peerTest("registry", `through ${medium} an image gets to another registry with what refers to it`, async () => {
    await using ends = await startEnds();
    const { far, gadget, name } = ends;
    await copied(ends, name, medium);
    const report = await copied(ends, medium, `${far.host}/mirror/app`);
    assert.deepEqual([report.source, report.digest], [`${medium}#${name}`, gadget.root.digest]);
    assert.equal(report.attachments.length, 2);
    await assertHoldsAll(ends, far, "mirror/app", "v1");
    const again = await copied(ends, medium, `${far.host}/mirror/app`);
    assert.deepEqual([again.transferred.bytes, again.present], [0, report.transferred]);
  });

  peerTest("registry", `through ${medium} an image gets into the store, under its own name or another`, async () => {
    await using ends = await startEnds();
    const { gadget, name, store } = ends;
    await copied(ends, name, medium);
    assert.equal((await copied(ends, medium, "store:")).name, name);
    const report = await copied(ends, `${medium}#${name}`, "store:example.org/app");
    assert.deepEqual([report.name, report.digest], ["example.org/app:v1", gadget.root.digest]);
    await satchelSucceeds(["store", "check"], { store });
  });
}

peerTest("registry", "an image is the same in a second archive as in the first", async () => {
  await using ends = await startEnds();
  const { scratch, name } = ends;
  await copied(ends, name, "archive:first.tar");
  await copied(ends, "archive:first.tar", "dir:layout");
  await copied(ends, "dir:layout", "archive:second.tar");
  const [first, second] = await Promise.all(["first.tar", "second.tar"].map((p) => Deno.readFile(scratch.at(p))));
  assert.equal(digestOf(second), digestOf(first));
});

peerTest(["registry", "oras", "crane", "skopeo"], "a folder that was copied to is one that others read", async () => {
  await using ends = await startEnds();
  const { scratch, far, gadget, name } = ends;
  await copied(ends, name, "dir:layout#example.org/app");
  const layout = scratch.at("layout");
  const raw = await skopeo(["inspect", "--raw", `oci:${layout}:example.org/app:v1`]);
  assert.equal(raw, new TextDecoder().decode(gadget.root.bytes));
  const source = `${layout}@${gadget.root.digest}`;
  await oras(["copy", "-r", "--from-oci-layout", source, "--to-plain-http", `${far.host}/by-oras/app:v1`]);
  await assertHolds(far, "by-oras/app", "v1", gadget);
  assert.equal((await crane(["digest", `${far.host}/by-oras/app:v1`])).trim(), gadget.root.digest);
});

peerTest(
  ["registry", "oras", "skopeo"],
  "what oras and skopeo wrote is copied by the tag that they gave it",
  async () => {
    await using ends = await startEnds();
    const { scratch, far, gadget, name } = ends;
    await oras(["copy", "--from-plain-http", name, "--to-oci-layout", `${scratch.at("by-oras")}:v1`]);
    const to = `oci-archive:${scratch.at("by-skopeo.tar")}:v1`;
    await skopeo(["copy", "--all", "--src-tls-verify=false", `docker://${name}`, to]);
    for (const end of ["dir:by-oras", "archive:by-skopeo.tar", "archive:by-skopeo.tar#v1"]) {
      const repository = `mirror/${end.replaceAll(/\W+/g, "-")}`;
      await copied(ends, end, `${far.host}/${repository}`);
      await assertHolds(far, repository, "v1", gadget);
    }
    const nameless = await ends.copy("dir:by-oras", "store:");
    assert.equal(nameless.code, 2, describe(nameless));
    assert.match(nameless.stderr, /v1 has no whole name of its own to keep/);
  },
);

peerTest("registry", "--all-tags of an archive copies its repository, and of several wants to know which", async () => {
  await using ends = await startEnds();
  const { near, far, gadget } = ends;
  const [second, other] = [makeGadget(), makeGadget()];
  await pushImage(near, "team/app", "v2", second);
  await pushImage(near, "team/other", "v3", other);
  await copied(ends, `${near.host}/team/app`, "dir:layout", "--all-tags");
  await copied(ends, `${near.host}/team/other:v3`, "dir:layout");
  const unclear = await ends.copy("dir:layout", `${far.host}/mirror/app`, "--all-tags");
  assert.equal(unclear.code, 2, describe(unclear));
  assert.deepEqual(await catalog(far), []);
  const reports = await copied(ends, `dir:layout#${near.host}/team/app`, `${far.host}/mirror/app`, "--all-tags");
  assert.equal(reports.length, 2);
  await assertHolds(far, "mirror/app", "v1", gadget);
  await assertHolds(far, "mirror/app", "v2", second);
  assert.equal((await copied(ends, "dir:layout", "store:", "--all-tags")).length, 3);
});

peerTest("registry", "what an archive lacks of an image is told, and the registry gets no name for it", async () => {
  await using ends = await startEnds();
  const { far, gadget, name, scratch } = ends;
  await copied(ends, name, "dir:layout");
  const { digest } = gadget.blobs[1];
  await Deno.remove(scratch.at("layout", "blobs", ...digest.split(":")));
  const outcome = await ends.copy("dir:layout", `${far.host}/mirror/app`);
  assert.notEqual(outcome.code, 0);
  assert.ok(outcome.stderr.includes(digest), outcome.stderr);
  assert.equal((await far.fetch("/v2/mirror/app/manifests/v1")).status, 404);
});

Deno.test("a copy into a folder that fails before anything has come leaves no folder, and speaks of no store", async () => {
  await using scratch = await scratchFolder();
  const { path, folder, image } = await gadgetArchive(scratch);
  const copyTo = (end: string, from = `archive:${path}`) =>
    satchel(["image", "copy", from, end], { store: scratch.at("store"), cwd: scratch.path });
  await Deno.remove(blobAt(folder, image.blobs[1].digest));
  const lacking = await copyTo("dir:new", `dir:${folder}`);
  assert.equal(lacking.code, 1, describe(lacking));
  assert.match(lacking.stderr, /lacks 1 blob .*\nHint: It is neither in \S+ nor at the destination\./);
  assert.ok(!exists(scratch.at("new")));
  await Deno.mkdir(scratch.at("other"));
  await Deno.writeTextFile(scratch.at("other", "notes"), "");
  const foreign = await copyTo("dir:other");
  assert.equal(foreign.code, 1, describe(foreign));
  assert.doesNotMatch(foreign.stderr, /--store/);
});

peerTest("registry", "a sparse image stays so in a folder, and is not for registries", async () => {
  await using ends = await startEnds();
  const { far, name } = ends;
  const sparse = ["--platform", "linux/amd64", "--sparse"];
  assert.deepEqual((await copied(ends, name, "archive:x.tar", ...sparse)).platforms, ["linux/amd64"]);
  assert.deepEqual((await copied(ends, "archive:x.tar", "dir:layout")).platforms, ["linux/amd64"]);
  for (const from of ["archive:x.tar", "dir:layout"]) {
    const outcome = await ends.copy(from, `${far.host}/mirror/app`);
    assert.equal(outcome.code, 3, describe(outcome));
    assert.match(outcome.stderr, /is there for linux\/amd64 only, and a registry takes whole images alone/);
  }
  assert.deepEqual(await catalog(far), []);
});
