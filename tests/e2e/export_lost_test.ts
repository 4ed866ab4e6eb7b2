import assert from "node:assert/strict";
import { join } from "node:path";
import {
  attachmentTag,
  type Blob,
  describe,
  type Image,
  makeCosignSignature,
  makeGadget,
  makeReferrer,
  type Outcome,
  satchel,
  type Scratch,
  scratchFolder,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

const NAME = "example.org/app:v1";
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

/** A store with a gadget, its signature, its SBOM, and a fallback index that names the SBOM. */
async function signedStore(scratch: Scratch, fallback = true) {
  const image = makeGadget();
  const signature = makeCosignSignature(image.root);
  const sbom = makeReferrer(image.root, { artifactType: "application/example.sbom", payload: "a list" });
  const index = await indexOf([sbom.root]);
  const tag = attachmentTag(image.root.digest);
  await writeStore(scratch.at("store"), [
    { image, name: NAME },
    { image: signature, name: `${tag}.sig` },
    { image: sbom },
    ...fallback ? [{ image: index, name: tag }] : [],
  ]);
  return { image, signature, sbom, index };
}

async function indexOf(manifests: readonly Blob[]): Promise<Image> {
  const entries = manifests.map(({ mediaType, digest, bytes }) => ({ mediaType, digest, size: bytes.length }));
  const bytes = new TextEncoder().encode(
    JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: entries }),
  );
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const root = { mediaType: INDEX_TYPE, digest: `sha256:${hash.toHex()}`, bytes };
  return { root, manifests: [root], blobs: [] };
}

function exported(scratch: Scratch, ...flags: string[]): Promise<Outcome> {
  return satchel(["image", "export", NAME, scratch.at("x.tar"), ...flags], { store: scratch.at("store") });
}

const fileOf = (scratch: Scratch, { root }: Image) => join(scratch.at("store"), "blobs/sha256", root.digest.slice(7));

Deno.test("a store that has lost nothing is exported without a warning", async () => {
  await using scratch = await scratchFolder();
  await signedStore(scratch);
  const outcome = await exported(scratch);
  assert.deepEqual([outcome.code, outcome.stderr], [0, ""], describe(outcome));
});

for (const which of ["signature", "sbom", "index"] as const) {
  for (const how of ["missing", "damaged"]) {
    Deno.test(`an image whose ${which} is ${how} in the store is not exported as if it had none`, async () => {
      await using scratch = await scratchFolder();
      const made = await signedStore(scratch);
      const file = fileOf(scratch, made[which]);
      if (how === "missing") await Deno.remove(file);
      else await Deno.writeFile(file, made[which].root.bytes.map((byte, at) => at === 5 ? byte ^ 1 : byte));
      const outcome = await exported(scratch);
      assert.equal(outcome.code, 5, describe(outcome));
      assert.match(outcome.stderr, new RegExp(`^Error: exporting images: ${NAME}: .*${made[which].root.digest}`, "m"));
      const without = await exported(scratch, "--referrers=false");
      assert.equal(without.code, 0, describe(without));
    });
  }
}

Deno.test("that a lost manifest may have been a signature of an image is said where nothing tells", async () => {
  await using scratch = await scratchFolder();
  const { sbom } = await signedStore(scratch, false);
  await Deno.remove(fileOf(scratch, sbom));
  const outcome = await exported(scratch);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(
    outcome.stderr,
    new RegExp(`^Warning: \\S+ lists manifests that are missing or damaged, .*${sbom.root.digest}`),
  );
  assert.equal((await exported(scratch, "--referrers=false")).stderr, "");
});
