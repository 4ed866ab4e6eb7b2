import assert from "node:assert/strict";
import {
  assertHolds,
  binary,
  describe,
  digestOf,
  makeGadget,
  oras,
  peerTest,
  pushImage,
  run,
  satchelEnvironment,
  skopeo,
} from "../harness/mod.ts";
import { catalog, startEnds } from "./copy_ends.ts";

peerTest(["registry", "skopeo", "oras"], "an image goes from a registry into an archive that others read", async () => {
  await using ends = await startEnds();
  const { gadget, name, scratch, store } = ends;
  const outcome = await ends.copy(name, "archive:x.tar#example.org/app");
  assert.equal(outcome.code, 0, describe(outcome));
  const bytes = await Deno.readFile(scratch.at("x.tar"));
  const [line, sum] = outcome.stdout.trimEnd().split("\n");
  assert.equal(line, `Successfully copied ${name} to archive:x.tar#example.org/app:v1@${gadget.root.digest}`);
  assert.match(sum, new RegExp(`^${digestOf(bytes)}  `));
  const raw = await skopeo(["inspect", "--raw", `oci-archive:${scratch.at("x.tar")}:example.org/app:v1`]);
  assert.equal(raw, new TextDecoder().decode(gadget.root.bytes));
  const layout = ["--oci-layout", `${scratch.at("x.tar")}@${gadget.root.digest}`];
  assert.equal((await oras(["resolve", ...layout])).trim(), gadget.root.digest);
  await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
});

peerTest("registry", "an archive of a registry has the same bytes as an export of the same images", async () => {
  await using ends = await startEnds();
  const { name, scratch } = ends;
  for (const args of [[name, "archive:direct.tar"], [name, "store:"], [`store:${name}`, "archive:stored.tar"]]) {
    assert.equal((await ends.copy(...args)).code, 0);
  }
  const [direct, stored] = await Promise.all(["direct.tar", "stored.tar"].map((p) => Deno.readFile(scratch.at(p))));
  assert.equal(digestOf(direct), digestOf(stored));
});

peerTest("registry", "an archive goes to stdout, and then only it does", async () => {
  await using ends = await startEnds();
  const outcome = await ends.copy(ends.name, "archive:-");
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(outcome.stdout, /^oci-layout\0/);
  assert.match(outcome.stderr, /^Successfully copied /m);
});

peerTest("registry", "of an archive that cannot be written whole nothing stays", async () => {
  await using ends = await startEnds();
  const { near, gadget, name, scratch } = ends;
  await Deno.mkdir(scratch.at("out"));
  const hex = gadget.blobs[1].digest.slice("sha256:".length);
  await Deno.remove(`${near.storage}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`);
  const outcome = await ends.copy(name, "archive:out/x.tar");
  assert.equal(outcome.code, 3, describe(outcome));
  assert.deepEqual([...Deno.readDirSync(scratch.at("out"))], []);
});

peerTest("registry", "--all-tags puts a repository into one archive", async () => {
  await using ends = await startEnds();
  const { near, gadget } = ends;
  const second = makeGadget();
  await pushImage(near, "team/app", "v2", second);
  const outcome = await ends.copy(`${near.host}/team/app`, "archive:all.tar", "--all-tags", "-o", "json");
  assert.equal(outcome.code, 0, describe(outcome));
  const reports = JSON.parse(outcome.stdout);
  assert.deepEqual(
    reports.map(({ name, digest }: { name: string; digest: string }) => [name, digest]),
    [[`${near.host}/team/app:v1`, gadget.root.digest], [`${near.host}/team/app:v2`, second.root.digest]],
  );
  assert.equal(reports[0].archive.digest, digestOf(await Deno.readFile(ends.scratch.at("all.tar"))));
});

peerTest("registry", "--platform with --sparse leaves out other platforms, but not for a registry", async () => {
  await using ends = await startEnds();
  const { far, gadget, name, scratch } = ends;
  const sparse = ["--platform", "linux/arm64", "--sparse"];
  const refused = await ends.copy(name, `${far.host}/mirror/app`, ...sparse);
  assert.equal(refused.code, 2, describe(refused));
  assert.deepEqual(await catalog(far), []);
  const outcome = await ends.copy(name, "archive:arm.tar", ...sparse);
  assert.match(outcome.stdout, /^\S+\/team\/app:v1 has linux\/arm64 only$/m);
  const text = await Deno.readTextFile(scratch.at("arm.tar"));
  const [amd64, arm64] = gadget.manifests.map(({ digest }) => text.includes(`blobs/sha256/${digest.slice(7)}\0`));
  assert.deepEqual([amd64, arm64], [false, true]);
  const whole = await ends.copy(name, `${far.host}/mirror/app`, "--platform", "linux/arm64");
  assert.match(whole.stdout, /is whole, with linux\/amd64 as well; --sparse leaves that out$/m);
  await assertHolds(far, "mirror/app", "v1", gadget);
  const nothing = await ends.copy(name, "archive:s390x.tar", "--platform", "linux/s390x");
  assert.equal(nothing.code, 3, describe(nothing));
});

peerTest(
  ["registry", "bash"],
  "a reader that has had enough ends a copy without a word more, with status 1",
  async () => {
    await using ends = await startEnds();
    const { near, name, store, scratch } = ends;
    const large = makeGadget({ layerSize: 5_000_000 });
    await pushImage(near, "team/large", "v1", large);
    for (const from of [name.replace("team/app", "team/large"), name]) {
      const script = `"${await binary()}" image copy --quiet ${from} archive:- | head -c 10; echo " \${PIPESTATUS[0]}"`;
      const env = { ...satchelEnvironment(store, scratch.path), SATCHEL_INSECURE_REGISTRIES: near.host };
      const { stdout, stderr } = await run("bash", ["-c", script], { env });
      // What the pipe can hold is not noticed.
      assert.match(stdout, from === name ? /^oci-layout [01]\n$/ : /^oci-layout 1\n$/);
      assert.equal(stderr, "");
    }
  },
);
