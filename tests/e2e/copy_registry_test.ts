import assert from "node:assert/strict";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  assertHolds,
  attachmentTag,
  basic,
  crane,
  describe,
  makeGadget,
  oras,
  peerTest,
  pushImage,
  readManifest,
  satchelSucceeds,
  skopeo,
  startRegistry,
} from "../harness/mod.ts";
import { assertHoldsAll, type Ends, startEnds } from "./copy_ends.ts";

/** Requests that put something into a repository. */
function writes(lines: readonly string[]): string[] {
  return lines.filter((line) => /^(POST|PUT|PATCH|DELETE) /.test(line));
}

/** Copies, which must succeed, and returns what `-o json` told. */
async function copied(ends: Ends, ...args: string[]) {
  const outcome = await ends.copy(...args, "-o", "json");
  assert.equal(outcome.code, 0, describe(outcome));
  return JSON.parse(outcome.stdout);
}

peerTest("registry", "an image is copied from one registry to another with what refers to it", async () => {
  await using ends = await startEnds();
  const { far, gadget, name } = ends;
  const outcome = await ends.copy(name, `${far.host}/mirror/app:v2`);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.equal(outcome.stdout, `Successfully copied ${name} to ${far.host}/mirror/app:v2@${gadget.root.digest}\n`);
  assert.equal(outcome.stderr, `Copying ${name} to ${far.host}/mirror/app:v2...\n`);
  await assertHoldsAll(ends, far, "mirror/app", "v2");
});

peerTest(["registry", "oras", "crane", "skopeo"], "oras, crane and skopeo read what was copied", async () => {
  await using ends = await startEnds();
  const { far, gadget, name, sbom } = ends;
  const copy = `${far.host}/mirror/app:v1`;
  await copied(ends, name, `${far.host}/mirror/app`);
  assert.equal((await oras(["resolve", "--plain-http", copy])).trim(), gadget.root.digest);
  const found = JSON.parse(await oras(["discover", "--plain-http", "--format", "json", copy]));
  assert.deepEqual(found.referrers.map(({ digest }: { digest: string }) => digest), [sbom.root.digest]);
  assert.equal((await crane(["digest", copy])).trim(), gadget.root.digest);
  await crane(["validate", "--remote", copy]);
  const raw = await skopeo(["inspect", "--raw", "--tls-verify=false", `docker://${copy}`]);
  assert.equal(raw, new TextDecoder().decode(gadget.root.bytes));
});

peerTest("registry", "-o json tells both ends, what moved and what came along", async () => {
  await using ends = await startEnds();
  const { far, gadget, signature, sbom, name } = ends;
  const destination = `${far.host}/mirror/app:v2`;
  const report = await copied(ends, name, destination);
  assert.deepEqual([report.source, report.destination, report.name], [name, destination, destination]);
  assert.deepEqual([report.digest, report.size], [gadget.root.digest, gadget.root.bytes.length]);
  assert.equal(report.present.blobs, 0);
  assert.deepEqual(
    report.attachments.map(({ digest }: { digest: string }) => digest).toSorted(),
    [signature.root.digest, sbom.root.digest].toSorted(),
  );
  const again = await copied(ends, name, destination);
  assert.deepEqual([again.transferred, again.present], [{ blobs: 0, bytes: 0 }, report.transferred]);
});

peerTest("registry", "--referrers=false leaves out what refers to an image", async () => {
  await using ends = await startEnds();
  const { far, gadget, name } = ends;
  assert.deepEqual((await copied(ends, name, `${far.host}/mirror/app`, "--referrers=false")).attachments, []);
  await assertHolds(far, "mirror/app", "v1", gadget);
  assert.equal(await readManifest(far, "mirror/app", attachmentTag(gadget.root.digest, ".sig")), undefined);
});

peerTest("registry", "a repository gets another tag of its own, and not a blob moves", async () => {
  await using ends = await startEnds();
  const { near, gadget, name } = ends;
  const before = writes(near.requests()).length;
  const report = await copied(ends, name, `${near.host}/team/app:stable`);
  assert.deepEqual(report.transferred, { blobs: 0, bytes: 0 });
  assert.equal((await readManifest(near, "team/app", "stable"))?.digest, gadget.root.digest);
  assert.deepEqual(writes(near.requests()).slice(before).filter((line) => line.includes("/blobs/")), []);
});

peerTest("registry", "within a registry blobs are mounted, not moved", async () => {
  await using ends = await startEnds();
  const { near, gadget, name } = ends;
  const report = await copied(ends, name, `${near.host}/other/place:v1`);
  await assertHolds(near, "other/place", "v1", gadget);
  // All that moved are manifests: the image's three, a signature and an SBOM.
  assert.equal(report.transferred.blobs, 5);
  const uploads = writes(near.requests()).filter((line) => line.includes("/other/place/blobs/"));
  assert.deepEqual(uploads.filter((line) => !/^POST .*[?&]mount=sha256.* 201$/.test(line)), []);
});

peerTest("registry", "a digest is copied without a tag, and keeps being one", async () => {
  await using ends = await startEnds();
  const { near, far, gadget } = ends;
  const report = await copied(ends, `${near.host}/team/app@${gadget.root.digest}`, `${far.host}/mirror/app`);
  assert.equal(report.name, `${far.host}/mirror/app@${gadget.root.digest}`);
  await assertHolds(far, "mirror/app", gadget.root.digest, gadget);
  assert.equal(await readManifest(far, "mirror/app", "latest"), undefined);
});

peerTest("registry", "each registry gets its own account", async () => {
  await using ends = await startEnds();
  await using guarded = await startRegistry({ htpasswd: ACCOUNT_LINE });
  const authfile = ends.scratch.at("auth.json");
  const insecure = ["--insecure-registries", guarded.host];
  const refused = await ends.copy(ends.name, `${guarded.host}/mirror/app`, ...insecure, "--authfile", authfile);
  assert.notEqual(refused.code, 0);
  const auth = btoa(`${ACCOUNT.username}:${ACCOUNT.password}`);
  await Deno.writeTextFile(authfile, JSON.stringify({ auths: { [guarded.host]: { auth } } }), { mode: 0o600 });
  await copied(ends, ends.name, `${guarded.host}/mirror/app`, ...insecure, "--authfile", authfile);
  await assertHolds(guarded, "mirror/app", "v1", ends.gadget, basic());
});

peerTest("registry", "from the store to a registry and back, the digests stay", async () => {
  await using ends = await startEnds();
  const { far, gadget, name, store } = ends;
  await copied(ends, name, "store:");
  assert.equal((await copied(ends, `store:${name}`, `${far.host}/mirror/app`)).digest, gadget.root.digest);
  await assertHoldsAll(ends, far, "mirror/app", "v1");
  const report = await copied(ends, `${far.host}/mirror/app:v1`, "store:example.org/back:v9");
  assert.deepEqual([report.name, report.destination], ["example.org/back:v9", "store:example.org/back:v9"]);
  await satchelSucceeds(["store", "check"], { store });
});

peerTest(
  "registry",
  "--all-tags copies every tag but those of attachments, and one that fails stops no other",
  async () => {
    await using ends = await startEnds();
    const { near, far, gadget } = ends;
    const [second, broken] = [makeGadget(), makeGadget()];
    await pushImage(near, "team/app", "v2", second);
    await pushImage(near, "team/app", "broken", broken);
    const { digest } = broken.blobs[1];
    const hex = digest.slice("sha256:".length);
    await Deno.remove(`${near.storage}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`);
    const outcome = await ends.copy(`${near.host}/team/app`, `${far.host}/mirror/app`, "--all-tags");
    assert.notEqual(outcome.code, 0);
    const line = (tag: string, root: string) =>
      `Successfully copied ${near.host}/team/app:${tag} to ${far.host}/mirror/app:${tag}@${root}\n`;
    assert.equal(outcome.stdout, line("v1", gadget.root.digest) + line("v2", second.root.digest));
    assert.match(outcome.stderr, /^Error: copying \S+\/team\/app:broken to \S+\/mirror\/app:broken: /m);
    await assertHoldsAll(ends, far, "mirror/app", "v1");
    await assertHolds(far, "mirror/app", "v2", second);
    assert.equal(await readManifest(far, "mirror/app", "broken"), undefined);
  },
);
