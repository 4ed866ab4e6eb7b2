import assert from "node:assert/strict";
import {
  attachmentTag,
  makeCosignSignature,
  makeGadget,
  pushImage,
  satchel,
  scratchFolder,
  startServedRegistry,
} from "../harness/mod.ts";
import { unpackIgStore, writeStore } from "./cli_stores.ts";

Deno.test("pull says what it does on stderr and what it did on stdout, with the full name", async () => {
  await using registry = await startServedRegistry();
  await using scratch = await scratchFolder();
  const image = makeGadget();
  await pushImage(registry, "demo/gadget", "v1", image);
  const options = { store: scratch.at("store") };
  const name = `${registry.host}/demo/gadget:v1`;
  const { code, stdout, stderr } = await satchel(
    ["image", "pull", "--insecure-registries", registry.host, name],
    options,
  );
  assert.equal(stderr, `Pulling ${name}...\n`);
  assert.equal(stdout, `Successfully pulled ${name}@${image.root.digest}\n`);
  assert.equal(code, 0);
});

Deno.test("a name by digest alone is printed with one digest and no empty tag", async () => {
  await using registry = await startServedRegistry();
  await using scratch = await scratchFolder();
  const image = makeGadget();
  await pushImage(registry, "demo/gadget", "v1", image);
  const name = `${registry.host}/demo/gadget@${image.root.digest}`;
  const options = { store: scratch.at("store"), env: { SATCHEL_INSECURE_REGISTRIES: registry.host } };
  const { stdout, stderr } = await satchel(["image", "pull", name], options);
  assert.deepEqual([stdout, stderr], [`Successfully pulled ${name}\n`, `Pulling ${name}...\n`]);
  assert.match(
    (await satchel(["image", "list"], options)).stdout,
    new RegExp(`^${registry.host}/demo/gadget +<none> `, "m"),
  );
});

Deno.test("push, tag and remove say what they did on stdout", async () => {
  await using registry = await startServedRegistry();
  await using scratch = await scratchFolder();
  const image = makeGadget();
  await writeStore(scratch.at("store"), [{ name: "ghcr.io/inspektor-gadget/gadget/mine:latest", image }]);
  const options = { store: scratch.at("store"), env: { SATCHEL_INSECURE_REGISTRIES: "127.0.0.1" } };
  const name = `${registry.host}/demo/gadget:v1`;
  const tag = await satchel(["image", "tag", "mine", name], options);
  assert.deepEqual([tag.code, tag.stdout, tag.stderr], [
    0,
    `Successfully tagged with ${name}@${image.root.digest}\n`,
    "",
  ]);
  const push = await satchel(["image", "push", name], options);
  assert.equal(push.stdout, `Successfully pushed ${name}@${image.root.digest}\n`);
  assert.deepEqual([push.code, push.stderr], [0, `Pushing ${name}...\n`]);
  const remove = await satchel(["image", "rm", "mine"], options);
  assert.deepEqual([remove.code, remove.stdout, remove.stderr], [0, "Successfully removed mine\n", ""]);
});

Deno.test("--quiet leaves nothing but errors, lists and what -o asks for", async () => {
  await using registry = await startServedRegistry();
  await using scratch = await scratchFolder();
  await pushImage(registry, "demo/gadget", "v1", makeGadget());
  const name = `${registry.host}/demo/gadget:v1`;
  const options = { store: scratch.at("store"), env: { SATCHEL_INSECURE_REGISTRIES: registry.host } };
  for (const line of [["pull", name], ["tag", name, "x"], ["push", name], ["remove", "x"]]) {
    const { code, stdout, stderr } = await satchel(["image", ...line, "-q"], options);
    assert.deepEqual([code, stdout, stderr], [0, "", ""], line.join(" "));
  }
  assert.equal((await satchel(["image", "list", "-q"], options)).stdout.split("\n").length, 3);
  assert.equal(JSON.parse((await satchel(["image", "pull", "-qojson", name], options)).stdout).name, name);
  const failed = await satchel(["image", "pull", "-q", `${registry.host}/demo/none:v1`], options);
  assert.equal(failed.code, 3);
  assert.match(failed.stderr, /^Error: pulling 127\.0\.0\.1:\d+\/demo\/none:v1: /);
});

Deno.test("pull -o json reports the image, what moved and what came along, and nothing else on stdout", async () => {
  await using registry = await startServedRegistry();
  await using scratch = await scratchFolder();
  const image = makeGadget();
  const signature = makeCosignSignature(image.root);
  await pushImage(registry, "demo/gadget", "v1", image);
  await pushImage(registry, "demo/gadget", attachmentTag(image.root.digest, ".sig"), signature);
  const name = `${registry.host}/demo/gadget:v1`;
  const options = { store: scratch.at("store"), env: { SATCHEL_INSECURE_REGISTRIES: registry.host } };
  const all = [...image.blobs, ...image.manifests, ...signature.blobs, ...signature.manifests];
  const moved = { blobs: all.length, bytes: all.reduce((sum, { bytes }) => sum + bytes.length, 0) };
  const expected = {
    name,
    digest: image.root.digest,
    mediaType: image.root.mediaType,
    size: image.root.bytes.length,
    transferred: moved,
    present: { blobs: 0, bytes: 0 },
    attachments: [{
      digest: signature.root.digest,
      mediaType: signature.root.mediaType,
      size: signature.root.bytes.length,
      artifactType: "application/vnd.oci.image.config.v1+json",
      subject: image.root.digest,
      tag: attachmentTag(image.root.digest, ".sig"),
    }],
  };
  const first = await satchel(["image", "pull", "-o", "json", name], options);
  assert.deepEqual(JSON.parse(first.stdout), expected);
  assert.equal(first.stderr, `Pulling ${name}...\n`);
  const second = JSON.parse((await satchel(["image", "pull", "-o", "json", name], options)).stdout);
  assert.deepEqual(second.present, moved);
  assert.deepEqual(second.transferred, { blobs: 0, bytes: 0 });
  const push = await satchel(["image", "push", "--referrers=false", "-o", "json", name], options);
  assert.deepEqual(JSON.parse(push.stdout).attachments, []);
});

Deno.test("flags may stand between image and its subcommand", async () => {
  await using registry = await startServedRegistry();
  const image = makeGadget();
  await pushImage(registry, "demo/gadget", "v1", image);
  const name = `${registry.host}/demo/gadget:v1`;
  const { code, stdout } = await satchel([
    "image",
    "--insecure-registries",
    `other.example, ${registry.host}`,
    "pull",
    name,
  ]);
  assert.deepEqual([code, stdout], [0, `Successfully pulled ${name}@${image.root.digest}\n`]);
});

Deno.test("an insecure registry may be named in a configuration file, with or without its port", async () => {
  await using registry = await startServedRegistry();
  await using scratch = await scratchFolder();
  await pushImage(registry, "demo/gadget", "v1", makeGadget());
  await Deno.mkdir(scratch.at(".config/satchel"), { recursive: true });
  await Deno.writeTextFile(scratch.at(".config/satchel/config.yaml"), "insecureRegistries:\n  - 127.0.0.1\n");
  const { code, stderr } = await satchel(["image", "pull", `${registry.host}/demo/gadget:v1`], {
    home: scratch.path,
  });
  assert.equal(code, 0, stderr);
});

Deno.test("a registry that speaks plain HTTP is a clear failure with a hint, and none of its words", async () => {
  await using registry = await startServedRegistry();
  const { code, stdout, stderr } = await satchel(["image", "pull", `${registry.host}/demo/gadget:v1`]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^Pulling .*\.\.\.\nError: pulling .*TLS.*\nHint: .*--insecure-registries/);
});

Deno.test("--debug prints a line for each request, --verbose what moved", async () => {
  await using registry = await startServedRegistry();
  await pushImage(registry, "demo/gadget", "v1", makeGadget());
  const name = `${registry.host}/demo/gadget:v1`;
  const env = { SATCHEL_INSECURE_REGISTRIES: registry.host };
  const debug = await satchel(["image", "pull", "--debug", name], { env });
  assert.match(debug.stderr, /^Debug: GET http:\/\/127\.0\.0\.1:\d+\/v2\/demo\/gadget\/manifests\/v1 200/m);
  const verbose = await satchel(["image", "pull", "-v", name], { env });
  assert.match(verbose.stderr, /^Transferred 6 blobs \(.* kB\), 0 blobs \(0 B\) were there$/m);
});

Deno.test("remove and tag -o json report digests and names", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget();
  const name = "ghcr.io/inspektor-gadget/gadget/mine:latest";
  await writeStore(scratch.at("store"), [{ name, image }]);
  const options = { store: scratch.at("store") };
  const tag = JSON.parse((await satchel(["image", "tag", "mine", "other:v2", "-ojson"], options)).stdout);
  assert.deepEqual(tag, {
    name: "ghcr.io/inspektor-gadget/gadget/other:v2",
    digest: image.root.digest,
    mediaType: image.root.mediaType,
    size: image.root.bytes.length,
  });
  const one = JSON.parse((await satchel(["image", "remove", "mine", "-ojson"], options)).stdout);
  assert.deepEqual([one.digest, one.names, one.deleted.blobs], [image.root.digest, [name], 0]);
  const last = JSON.parse((await satchel(["image", "remove", "other:v2", "-ojson"], options)).stdout);
  assert.equal(last.deleted.blobs, image.blobs.length + image.manifests.length);
});

Deno.test("what only another tool can have named is removed and tagged by that very name", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget();
  await writeStore(scratch.at("store"), [{ name: "v1.2", image }]);
  const options = { store: scratch.at("store") };
  const tag = await satchel(["image", "tag", "v1.2", "mine"], options);
  assert.equal(tag.code, 0, tag.stderr);
  assert.equal((await satchel(["image", "remove", "v1.2"], options)).stdout, "Successfully removed v1.2\n");
  const left = JSON.parse((await satchel(["image", "list", "-ojson"], options)).stdout);
  assert.deepEqual(left.map(({ Repository }: { Repository: string }) => Repository), ["mine"]);
});

Deno.test("store check tells damage and ends with status 1, gc tells what it removed", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  const clean = await satchel(["store", "check"], { store });
  assert.deepEqual([clean.code, clean.stdout], [
    0,
    `Checked 3 names and 15 blobs (8.72 kB) in ${store}: nothing is damaged\n`,
  ]);
  const stray = `sha256/${"0".repeat(64)}`;
  await Deno.writeTextFile(`${store}/blobs/${stray}`, "nobody needs this");
  const young = await satchel(["store", "gc"], { store });
  assert.deepEqual([young.code, young.stdout], [
    0,
    "Removed nothing; kept 1 file that may still be needed (--min-age)\n",
  ]);
  const dry = await satchel(["store", "gc", "--min-age", "0", "--dry-run"], { store });
  assert.equal(dry.stdout, "Would remove 1 blob (17 B)\n");
  const gone = await satchel(["store", "gc", "--min-age=0"], { store });
  assert.equal(gone.stdout, "Removed 1 blob (17 B)\n");
  const digest = "95753d38933fe600a9d1a4b322fc921c29ef6df686f1c3e4bffaedb812d70d8a";
  await Deno.remove(`${store}/blobs/sha256/${digest}`);
  const damaged = await satchel(["store", "check", "-q"], { store });
  assert.equal(damaged.code, 1);
  assert.match(damaged.stdout, new RegExp(`^Damaged: .*${digest}.*127\\.0\\.0\\.1:5001/fixture/other:v2.*\n$`));
  const json = JSON.parse((await satchel(["store", "check", "-o", "json"], { store })).stdout);
  assert.equal(json.damage.length, 1);
});
