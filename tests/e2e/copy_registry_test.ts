import assert from "node:assert/strict";
import { assertHolds, attachmentTag, describe, peerTest, readManifest } from "../harness/mod.ts";
import { startEnds } from "./copy_ends.ts";

peerTest("registry", "an image is copied from one registry to another with what refers to it", async () => {
  await using ends = await startEnds();
  const { near, far, gadget, signature, sbom, name } = ends;
  const outcome = await ends.copy(name, `${far.host}/mirror/app:v2`);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.equal(
    outcome.stdout,
    `Successfully copied ${name} to ${far.host}/mirror/app:v2@${gadget.root.digest}\n`,
  );
  await assertHolds(far, "mirror/app", "v2", gadget);
  await assertHolds(far, "mirror/app", attachmentTag(gadget.root.digest, ".sig"), signature);
  const list = await readManifest(far, "mirror/app", attachmentTag(gadget.root.digest));
  const [entry] = list?.json.manifests as { digest: string }[];
  assert.equal(entry.digest, sbom.root.digest);
  await assertHolds(far, "mirror/app", sbom.root.digest, sbom);
  assert.deepEqual(near.requests().filter((line) => /^(PUT|POST|PATCH)/.test(line) && !line.includes("team/app")), []);
});
