import assert from "node:assert/strict";
import { join } from "node:path";
import {
  binary,
  describe,
  type Outcome,
  ROOT,
  run,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
} from "../harness/mod.ts";
import { type Policed, startPoliced } from "./policed.ts";
import { writeFile } from "./plugin_files.ts";

const SIGNED = join(ROOT, "tests/fixtures/ig-export-signed.tar");
const NAME = "127.0.0.1:5001/fixture/hello:v1";

/** Imports what `ig` has exported, under a policy that wants all images to be signed by the fixtures' key. */
async function importFixture(scratch: Scratch, args: string[], more = "", path = SIGNED): Promise<Outcome> {
  await Deno.copyFile(join(ROOT, "tests/fixtures/cosign.pub"), scratch.at("cosign.pub"));
  await Deno.chmod(scratch.at("cosign.pub"), 0o644);
  const config = await writeFile(
    scratch.at("policy.yaml"),
    `verify:\n  - images: "*"\n    keys: [cosign.pub]\n${more.replace(/^/gm, "    ")}\n`,
  );
  return await satchel(["image", "import", path, "--config", config, ...args], { store: scratch.at("store") });
}

/** Exports images of the registry, signatures included, without any policy. */
async function archiveOf(
  { scratch, registry: { host } }: Policed,
  names: string[],
  ...flags: string[]
): Promise<string> {
  const store = scratch.at("near");
  const full = names.map((name) => `${host}/${name}`);
  for (const name of full) await satchelSucceeds(["image", "pull", name, "--insecure-registries", host], { store });
  await satchelSucceeds(["image", "export", ...full, scratch.at("x.tar"), ...flags], { store });
  return scratch.at("x.tar");
}

Deno.test("the signature within an archive is enough, without any network", async () => {
  await using scratch = await scratchFolder();
  const outcome = await importFixture(scratch, []);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(outcome.stderr, /^Verified 127\.0\.0\.1:5001\/fixture\/hello:v1: signed by the key/m);
});

Deno.test("an archive may call an image as it likes: with checkName the name that was signed counts", async () => {
  await using scratch = await scratchFolder();
  const renamed = ["--tag", `${NAME}=trace_open`];
  assert.equal((await importFixture(scratch, renamed)).code, 0);
  assert.equal((await importFixture(scratch, [], "checkName: true")).code, 0);
  const outcome = await importFixture(scratch, ["--tag", `${NAME}=trace_exec`], "checkName: true");
  assert.equal(outcome.code, 5, describe(outcome));
  const listed = await satchelSucceeds(["image", "list"], { store: scratch.at("store") });
  assert.doesNotMatch(listed, /trace_exec/);
});

Deno.test("an unsigned image does not get a protected name from an archive, nor by --tag", async () => {
  await using policed = await startPoliced();
  const { host } = policed.registry;
  await policed.push("team/evil:v1");
  await policed.push("other/evil:v1");
  const claims = await policed.run("image", "import", await archiveOf(policed, ["team/evil:v1"]));
  assert.equal(claims.code, 5, describe(claims));
  assert.match(claims.stderr, /team\/evil:v1 is not verified: it has no signature/);
  const path = await archiveOf(policed, ["other/evil:v1"]);
  const renamed = await policed.run("image", "import", path, "--tag", `${host}/other/evil:v1=${host}/team/app:v1`);
  assert.equal(renamed.code, 5, describe(renamed));
  assert.deepEqual(await policed.names(), {});
  assert.equal((await policed.run("image", "import", path)).code, 0);
});

Deno.test("each image of an archive is judged by its own rule, and one that is refused does not stop others", async () => {
  await using policed = await startPoliced();
  const { signer } = policed;
  const good = await policed.push("team/good:v1", signer);
  await policed.push("team/bad:v1");
  const free = await policed.push("other/free:v1");
  const path = await archiveOf(policed, ["team/good:v1", "team/bad:v1", "other/free:v1"]);
  const outcome = await policed.run("image", "import", path);
  assert.equal(outcome.code, 5, describe(outcome));
  assert.match(outcome.stderr, /team\/bad:v1 is not verified/);
  assert.match(outcome.stdout, /team\/good:v1/);
  const both = { "team/good:v1": good.root.digest, "other/free:v1": free.root.digest };
  assert.deepEqual(await policed.names(), both);
});

Deno.test("names of an archive that may not come in are left out, the others come", async () => {
  await using policed = await startPoliced();
  await policed.push("team/good:v1", policed.signer);
  const free = await policed.push("other/free:v1");
  const path = await archiveOf(policed, ["team/good:v1", "other/free:v1"]);
  const { host } = policed.registry;
  const outcome = await policed.run("image", "import", path, "--allowed-gadgets", `${host}/other/*`);
  assert.equal(outcome.code, 5, describe(outcome));
  assert.deepEqual(await policed.names(), { "other/free:v1": free.root.digest });
});

Deno.test("--referrers=false: the signature is read in the archive, and where that goes by once it is refused", async () => {
  await using policed = await startPoliced();
  const { scratch } = policed;
  await policed.push("team/app:v1", policed.signer);
  const path = await archiveOf(policed, ["team/app:v1"]);
  const piped = async (...flags: string[]) =>
    await run("sh", ["-c", 'cat "$0" | "$@"', path, await binary(), "image", "import", "-", ...flags], {
      env: { ...satchelEnvironment(scratch.at("store"), scratch.path), SATCHEL_CONFIG: scratch.at("policy.yaml") },
    });
  const stream = await piped("--referrers=false");
  assert.equal(stream.code, 5, describe(stream));
  assert.match(stream.stderr, /team\/app:v1 is not verified: it has no signature/);
  const file = await policed.run("image", "import", path, "--referrers=false");
  assert.equal(file.code, 0, describe(file));
  assert.match(file.stderr, /^Verified/m);
  const whole = await piped();
  assert.equal(whole.code, 0, describe(whole));
});

Deno.test("a sparse archive is judged by the index that was signed", async () => {
  await using policed = await startPoliced();
  await policed.push("team/app:v1", policed.signer);
  const path = await archiveOf(policed, ["team/app:v1"], "--sparse", "--platform", "linux/amd64");
  const outcome = await policed.run("image", "import", path);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(outcome.stderr, /^Verified/m);
});

Deno.test("a thin archive without the signature is judged by the one that the store has", async () => {
  await using policed = await startPoliced();
  const { scratch } = policed;
  await policed.push("team/app:v1", policed.signer);
  assert.equal((await policed.pull("team/app:v1")).code, 0);
  const have = scratch.at("have");
  await Deno.writeTextFile(have, (await policed.run("store", "inventory")).stdout);
  const path = await archiveOf(policed, ["team/app:v1"], "--have", have);
  const outcome = await policed.run("image", "import", path);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(outcome.stderr, /^Verified/m);
});

Deno.test("a copy into the store is judged by the name that it gets and by the one that it has in its registry", async () => {
  await using policed = await startPoliced();
  const { scratch, registry: { host } } = policed;
  await policed.push("team/app:v1");
  await policed.push("other/app:v1");
  const copy = (from: string, to: string, ...flags: string[]) =>
    policed.run("image", "copy", from, to, "--insecure-registries", host, ...flags);
  for (
    const [from, to] of [
      [`${host}/team/app:v1`, "store:"],
      [`${host}/team/app:v1`, "store:example.org/app:v1"],
      [`${host}/other/app:v1`, `store:${host}/team/app:v1`],
      [`${host}/team/app:v1`, `dir:${scratch.at("store")}`],
    ]
  ) {
    const outcome = await copy(from, to);
    assert.equal(outcome.code, 5, `${from} ${to}: ${describe(outcome)}`);
  }
  assert.deepEqual(await policed.names(), {});
  assert.equal((await copy(`${host}/other/app:v1`, "store:")).code, 0);
  assert.equal((await copy(`${host}/team/app:v1`, `dir:${scratch.at("layout")}`)).code, 0);
  assert.equal((await copy(`dir:${scratch.at("layout")}`, "store:")).code, 5);
  assert.equal((await copy(`dir:${scratch.at("layout")}#${host}/team/app:v1`, "store:example.org/x:y")).code, 0);
  const signed = await policed.push("team/app:v2", policed.signer);
  assert.equal((await copy(`${host}/team/app:v2`, "store:", "--referrers=false")).code, 0);
  assert.equal((await policed.names())["team/app:v2"], signed.root.digest);
  const denied = await copy(`${host}/team/app:v2`, "store:", "--dry-run", "--allowed-gadgets", "trace_open");
  assert.equal(denied.code, 5, describe(denied));
});

Deno.test("a folder that will be the store is guarded as the store is, also behind a link and before it is there", async () => {
  await using policed = await startPoliced();
  const { scratch, registry } = policed;
  await policed.push("team/app:v1");
  await Deno.mkdir(scratch.at("real"));
  await Deno.symlink(scratch.at("real"), scratch.at("link"));
  const args = [
    "image",
    "copy",
    `${registry.host}/team/app:v1`,
    `dir:${scratch.at("link/new/store")}`,
    "--insecure-registries",
    registry.host,
  ];
  const outcome = await policed.run(...args, "--store", scratch.at("real/new/store"));
  assert.equal(outcome.code, 5, describe(outcome));
  assert.match(outcome.stderr, /team\/app:v1 is not verified: it has no signature/);
});
