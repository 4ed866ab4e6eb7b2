import assert from "node:assert/strict";
import {
  assertHolds,
  cosignWithKeys,
  crane,
  makeCosignSignature,
  makeGadget,
  oras,
  peerTest,
  readManifest,
  satchel,
  satchelSucceeds,
  scratchFolder,
  SIGNATURE_FORMATS,
  skopeo,
  startServe,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { assertClean, names, push, startWorld } from "./serve_writes.ts";

peerTest("oras", "oras pushes an artifact, attaches to it and finds that again; the store lists both", async () => {
  await using world = await startWorld();
  const { scratch, served: { host }, store } = world;
  await Deno.writeTextFile(scratch.at("notes.txt"), "some notes");
  const cwd = scratch.path;
  const name = `${host}/example.org/notes:v1`;
  await oras(["push", "--plain-http", "--artifact-type", "application/vnd.test.notes", name, "notes.txt"], { cwd });
  const attach = ["attach", "--plain-http", "--format", "json", "--artifact-type", "test/sbom", name, "notes.txt"];
  const { digest } = JSON.parse(await oras(attach, { cwd }));
  const found = JSON.parse(await oras(["discover", "--plain-http", "--format", "json", name]));
  assert.deepEqual(found.referrers.map((each: { digest: string }) => each.digest), [digest]);
  const pulled = scratch.at("pulled");
  await oras(["pull", "--plain-http", "--output", pulled, name]);
  assert.equal(await Deno.readTextFile(`${pulled}/notes.txt`), "some notes");
  assert.deepEqual(Object.keys(await names(store)), ["example.org/notes:v1"]);
  await assertClean(store);
});

peerTest("crane", "crane copies an image into it, tags it, and deletes it", async () => {
  await using world = await startWorld();
  const { served, store } = world;
  const gadget = makeGadget();
  await push(world, "demo/gadget", "v1", gadget);
  const name = `${served.host}/example.org/copies/gadget`;
  await crane(["copy", `${served.host}/demo/gadget:v1`, `${name}:v2`]);
  await crane(["validate", "--remote", `${name}:v2`]);
  await crane(["tag", `${name}:v2`, "v3"]);
  await assertHolds(served, "example.org/copies/gadget", "v3", gadget);
  await crane(["delete", `${name}:v2`]);
  await crane(["delete", `${name}@${gadget.root.digest}`]);
  assert.deepEqual(await names(store), { "ghcr.io/demo/gadget:v1": gadget.root.digest });
  await assertHolds(served, "demo/gadget", "v1", gadget);
  await crane(["delete", `${served.host}/demo/gadget:v1`]);
  assert.equal(await readManifest(served, "demo/gadget", gadget.root.digest), undefined);
  assert.deepEqual([...Deno.readDirSync(`${store}/blobs/sha256`)], []);
});

peerTest("crane", "crane pushes a large layer as a stream, without saying how long it is", async () => {
  await using world = await startWorld();
  const { scratch, served: { host, process }, store } = world;
  await Deno.writeFile(scratch.at("large"), crypto.getRandomValues(new Uint8Array(60_000)));
  const layer = scratch.at("layer.tar");
  await new Deno.Command("tar", { args: ["cf", layer, "-C", scratch.path, "large"] }).output();
  await crane(["append", "--new_layer", layer, "--new_tag", `${host}/example.org/layers:v1`]);
  await process.waitFor((line) => /PUT .*blobs\/uploads\/.* 201/.test(line) || undefined);
  await crane(["validate", "--remote", `${host}/example.org/layers:v1`]);
  await assertClean(store);
});

peerTest("skopeo", "skopeo copies a whole image into it, and out of it into a folder", async () => {
  await using world = await startWorld();
  const { scratch, served, store } = world;
  const gadget = makeGadget();
  await writeStore(scratch.at("layout"), [{ image: gadget, name: "v1" }]);
  const copy = `docker://${served.host}/example.org/gadget:v1`;
  const flags = ["--all", "--preserve-digests", "--dest-tls-verify=false", "--src-tls-verify=false"];
  await skopeo(["copy", ...flags, `oci:${scratch.at("layout")}:v1`, copy]);
  await assertHolds(served, "example.org/gadget", "v1", gadget);
  await skopeo(["copy", ...flags, copy, `oci:${scratch.at("back")}:v1`]);
  await skopeo(["delete", "--tls-verify=false", copy]);
  assert.deepEqual(await names(store), {});
  await assertClean(store);
});

for (const format of SIGNATURE_FORMATS) {
  peerTest(
    "cosign",
    `cosign signs an image in it and verifies that (${format}); the signature goes with the image`,
    async () => {
      await using world = await startWorld();
      const { scratch, served, store } = world;
      const gadget = makeGadget();
      await push(world, "example.org/gadget", "v1", gadget);
      const cosign = await cosignWithKeys(scratch);
      const image = `${served.host}/example.org/gadget@${gadget.root.digest}`;
      await cosign.sign(image, format);
      assert.deepEqual(await cosign.verify(image, format), [gadget.root.digest]);
      await assertClean(store);

      const far = { store: scratch.at("far") };
      const insecure = ["--insecure-registries", served.host];
      await satchelSucceeds(["image", "pull", `${served.host}/example.org/gadget:v1`, ...insecure], far);
      const pulled = JSON.parse(await satchelSucceeds(["image", "list", "--all", "-o", "json"], far));
      const listed = JSON.parse(await satchelSucceeds(["image", "list", "--all", "-o", "json"], { store }));
      assert.equal(pulled.length, listed.length);

      await served.fetch(`/v2/example.org/gadget/manifests/${gadget.root.digest}`, { method: "DELETE" });
      assert.deepEqual([...Deno.readDirSync(`${store}/blobs/sha256`)], []);
    },
  );
}

Deno.test("satchel pushes into it with signatures, and what was there is not sent again", async () => {
  await using world = await startWorld();
  const { scratch, served, store } = world;
  const gadget = makeGadget();
  const signature = makeCosignSignature(gadget.root);
  const name = `${served.host}/example.org/gadget:v1`;
  const tag = `${gadget.root.digest.replace(":", "-")}.sig`;
  await writeStore(scratch.at("near"), [{ image: gadget, name }, { image: signature, name: tag }]);
  const near = { store: scratch.at("near") };
  const pushed = ["image", "push", name, "--insecure-registries", served.host];
  await satchelSucceeds(pushed, near);
  await assertHolds(served, "example.org/gadget", "v1", gadget);
  await assertHolds(served, "example.org/gadget", tag, signature);
  const uploads = () => served.process.lines.filter((line) => line.includes("PUT") && line.includes("/blobs/")).length;
  const before = uploads();
  await satchelSucceeds(pushed, near);
  assert.equal(uploads(), before);
  assert.deepEqual(await names(store), { "example.org/gadget:v1": gadget.root.digest });
  await assertClean(store);
});

Deno.test("without --writable every push and deletion is refused as unsupported, and clients say so", async () => {
  await using scratch = await scratchFolder();
  const gadget = makeGadget();
  const store = scratch.at("store");
  await writeStore(store, [{ image: gadget, name: "example.org/gadget:v1" }]);
  await using served = await startServe({ store });
  for (
    const [method, path] of [
      ["POST", "blobs/uploads/"],
      ["PATCH", `blobs/uploads/${crypto.randomUUID()}`],
      ["PUT", "manifests/v2"],
      ["DELETE", "manifests/v1"],
      ["DELETE", `blobs/${gadget.blobs[0].digest}`],
    ]
  ) {
    const response = await served.fetch(`/v2/example.org/gadget/${path}`, { method });
    assert.equal(response.status, 405, `${method} ${path}`);
    assert.equal((await response.json()).errors[0].code, "UNSUPPORTED");
  }
  const name = `${served.host}/example.org/other:v1`;
  await writeStore(scratch.at("near"), [{ image: makeGadget(), name }]);
  const insecure = ["--insecure-registries", served.host];
  const pushed = await satchel(["image", "push", name, ...insecure], { store: scratch.at("near") });
  assert.equal(pushed.code, 1);
  assert.match(pushed.stderr, /this registry can only be read/);
  await assertClean(store);
});
