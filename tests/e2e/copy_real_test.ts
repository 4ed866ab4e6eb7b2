/** Copies with what is real around them: signatures of cosign, pipes, compressed archives, mirrors that lie. */
import assert from "node:assert/strict";
import {
  assertHolds,
  binary,
  cosignWithKeys,
  describe,
  digestOf,
  makeGadget,
  oras,
  peerTest,
  pushImage,
  run,
  satchelEnvironment,
  SIGNATURE_FORMATS,
} from "../harness/mod.ts";
import { assertHoldsAll, type Ends, startEnds } from "./copy_ends.ts";
import { give, startHostileRegistry } from "./hostile_registry.ts";

/** Runs a line of a shell with `$SATCHEL`, `$NEAR` and `$FAR`, which must succeed. */
async function shell(ends: Ends, line: string): Promise<string> {
  const { scratch, near, far, store } = ends;
  const env = {
    ...satchelEnvironment(store, scratch.path),
    PATH: Deno.env.get("PATH") ?? "",
    SATCHEL: await binary(),
    SATCHEL_INSECURE_REGISTRIES: `${near.host},${far.host}`,
    NEAR: near.host,
    FAR: far.host,
  };
  const outcome = await run("bash", ["-o", "pipefail", "-c", line], { cwd: scratch.path, env });
  assert.equal(outcome.code, 0, describe(outcome));
  return outcome.stdout;
}

for (const format of SIGNATURE_FORMATS) {
  peerTest(["registry", "cosign"], `cosign verifies what was copied: ${format}`, async () => {
    await using ends = await startEnds();
    const { near, far, scratch } = ends;
    const cosign = await cosignWithKeys(scratch);
    const image = makeGadget();
    await pushImage(near, "signed/app", "v1", image);
    await cosign.sign(`${near.host}/signed/app@${image.root.digest}`, format);
    const outcome = await ends.copy(`${near.host}/signed/app:v1`, `${far.host}/signed/copy`);
    assert.equal(outcome.code, 0, describe(outcome));
    assert.deepEqual(await cosign.verify(`${far.host}/signed/copy@${image.root.digest}`, format), [image.root.digest]);
  });
}

for (
  const [what, line] of Object.entries({
    "a pipe": "$SATCHEL image copy $NEAR/team/app:v1 archive:- | $SATCHEL image copy archive:- $FAR/mirror/app",
    "an archive that gzip compressed":
      "$SATCHEL image copy -q $NEAR/team/app:v1 archive:x.tar && gzip x.tar && $SATCHEL image copy archive:x.tar.gz $FAR/mirror/app",
    "a compressed archive, a folder and a second archive":
      "$SATCHEL image copy -q $NEAR/team/app:v1 archive:- | gzip > x.gz && $SATCHEL image copy -q archive:x.gz dir:y && " +
      "$SATCHEL image copy -q dir:y archive:z.tar && $SATCHEL image copy archive:z.tar $FAR/mirror/app",
  })
) {
  peerTest(["registry", "bash"], `an image gets through ${what} from one registry to another`, async () => {
    await using ends = await startEnds();
    const { far, gadget } = ends;
    const printed = await shell(ends, line);
    assert.match(
      printed,
      new RegExp(`^Successfully copied archive:.* to ${far.host}/mirror/app:v1@${gadget.root.digest}`),
    );
    await assertHoldsAll(ends, far, "mirror/app", "v1");
  });
}

peerTest(["registry", "bash"], "what is compressed becomes the same archive as what was not", async () => {
  await using ends = await startEnds();
  const { scratch } = ends;
  await shell(ends, "$SATCHEL image copy -q $NEAR/team/app:v1 archive:a.tar; gzip < a.tar > a.gz");
  await shell(
    ends,
    "$SATCHEL image copy -q archive:a.gz archive:b.tar; cat a.gz | $SATCHEL image copy -q archive:- archive:c.tar",
  );
  const digests = await Promise.all(
    ["a", "b", "c"].map(async (n) => digestOf(await Deno.readFile(scratch.at(`${n}.tar`)))),
  );
  assert.equal(new Set(digests).size, 1);
});

peerTest(["registry", "oras"], "an archive has what the registry has, where a mirror gave other bytes", async () => {
  await using ends = await startEnds();
  const { far, scratch, near } = ends;
  // Some are small, and fetched ahead; others are larger.
  for (const layerSize of [1000, 2_000_000]) {
    const image = makeGadget({ layerSize });
    await pushImage(near, "team/mirrored", "v1", image);
    await using liar = await startHostileRegistry(image, (_request, response, url) => {
      const blob = image.blobs.find(({ digest }) => url.pathname.endsWith(digest));
      if (!blob) return false;
      give(response, { ...blob, bytes: blob.bytes.map((byte, index) => index === 9 ? byte ^ 1 : byte) });
    });
    const config = scratch.at("config.yaml");
    await Deno.writeTextFile(config, JSON.stringify({ mirrors: { [near.host]: [`http://${liar.host}`] } }));
    const path = `${layerSize}.tar`;
    const outcome = await ends.copy(`${near.host}/team/mirrored:v1`, `archive:${path}`, "--config", config, "-v");
    assert.equal(outcome.code, 0, describe(outcome));
    assert.match(outcome.stderr, new RegExp(`The mirror ${liar.host}/team/mirrored gave other bytes`));
    const layout = `${scratch.at(path)}@${image.root.digest}`;
    await oras(["copy", "--from-oci-layout", layout, "--to-plain-http", `${far.host}/by-oras/app:s${layerSize}`]);
    await assertHolds(far, "by-oras/app", `s${layerSize}`, image);
  }
});

peerTest("registry", "wrong bytes of a registry leave no archive, and the store without the name", async () => {
  await using ends = await startEnds();
  const { scratch, store } = ends;
  const image = makeGadget({ layerSize: 300_000 });
  await using lying = await startHostileRegistry(image, (_request, response, url) => {
    const blob = image.blobs.find(({ digest }) => url.pathname.endsWith(digest));
    if (!blob) return false;
    give(response, { ...blob, bytes: blob.bytes.map((byte, index) => index === 9 ? byte ^ 1 : byte) });
  });
  const insecure = ["--insecure-registries", lying.host];
  await Deno.mkdir(scratch.at("out"));
  for (const to of ["archive:out/x.tar", "store:"]) {
    const outcome = await ends.copy(`${lying.host}/team/app:v1`, to, ...insecure);
    assert.equal(outcome.code, 5, describe(outcome));
  }
  assert.deepEqual([...Deno.readDirSync(scratch.at("out"))], []);
  assert.ok(!(await Deno.readTextFile(`${store}/index.json`)).includes("team/app"));
});
