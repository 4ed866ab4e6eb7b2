import assert from "node:assert/strict";
import {
  attachmentTag,
  makeCosignSignature,
  makeGadget,
  makeReferrer,
  satchel,
  satchelSucceeds,
  scratchFolder,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

const NAME = "example.org/app:v1";

Deno.test("export and import say what came along with images, each once, signatures by that word", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget();
  const refer = (artifactType: string, payload: string) => ({
    image: makeReferrer(image.root, { artifactType, payload }),
  });
  const near = scratch.at("near");
  await writeStore(near, [
    { image, name: NAME },
    { image, name: "example.org/app:latest" },
    { image: makeCosignSignature(image.root), name: attachmentTag(image.root.digest, ".sig") },
    refer("application/vnd.cncf.notary.signature", "a"),
    refer("application/vnd.dev.sigstore.bundle.v0.3+json", "b"),
    refer("application/spdx+json", "c"),
    refer("application/spdx+json", "d"),
  ]);
  const told = "1 Sigstore bundle, 2 application/spdx+json, 2 signatures";
  const exported = await satchelSucceeds(["image", "export", "--all", scratch.at("x.tar")], { store: near });
  assert.match(exported, new RegExp(`, 2 images, \\d+ blobs, with ${told.replace("+", "\\+")}$`, "m"));
  const far = scratch.at("far");
  const imported = await satchelSucceeds(["image", "import", scratch.at("x.tar")], { store: far });
  assert.equal(
    imported,
    `Successfully imported images:\n  example.org/app:latest\n  ${NAME}\nWith them: ${told}\n`,
  );
  const without = ["image", "import", scratch.at("x.tar"), "--referrers=false"];
  assert.doesNotMatch(await satchelSucceeds(without, { store: scratch.at("other") }), /With them/);
});

Deno.test("nothing in the name of an archive reaches the terminal as it is", async () => {
  await using scratch = await scratchFolder();
  const name = "example.org/app:v1";
  await writeStore(scratch.at("store"), [{ image: makeGadget(), name }]);
  const path = scratch.at("x\x1b[31m\u202e.tar");
  const outcome = await satchel(["image", "export", name, path], { store: scratch.at("store") });
  assert.equal(outcome.code, 0);
  assert.match(outcome.stdout, /\\x1b\[31m\\u202e\.tar\n/);
});
