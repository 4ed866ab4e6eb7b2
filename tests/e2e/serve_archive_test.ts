import { strict as assert } from "node:assert";
import {
  assertHolds,
  attachmentTag,
  crane,
  describe,
  makeGadget,
  oras,
  peer,
  peerTest,
  satchel,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  skopeo,
  startServe,
  succeed,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { damage, exported, LAYER_SIZE, NAMES } from "./archive_files.ts";

const IG_ARCHIVE = new URL("../fixtures/ig-export-signed.tar", import.meta.url).pathname;

/** Serves archives; the store is one that nobody may make. */
function serve(scratch: Scratch, archives: readonly string[]) {
  const store = scratch.at("no store");
  return startServe({
    store,
    flags: archives.flatMap((file) => ["--archive", file.includes("/") ? file : scratch.at(file)]),
  });
}

const REPOSITORIES = NAMES.map((name) => name.replace(/:v1$/, ""));

Deno.test("an archive is served in each of its forms, without a store", async () => {
  for (const [file, ...flags] of [["x.tar"], ["x.tar", "--volume-size", "100KiB"], ["x.tar.gz"]]) {
    await using scratch = await scratchFolder();
    const { images } = await exported(scratch, ...flags);
    if (file === "x.tar.gz") await succeed("gzip", [scratch.at("x.tar")]);
    await using served = await serve(scratch, [file]);
    for (const [at, image] of images.entries()) await assertHolds(served, REPOSITORIES[at], "v1", image);
    const { digest, bytes } = images[1].blobs.find((each) => each.bytes.length === LAYER_SIZE)!;
    const response = await served.fetch(`/v2/any/name/blobs/${digest}`, { headers: { Range: "bytes=99990-" } });
    assert.equal(response.status, 206);
    assert.deepEqual(await response.bytes(), bytes.slice(99_990));
    const tags = await (await served.fetch(`/v2/${REPOSITORIES[0]}/tags/list`)).json();
    assert.deepEqual(tags.tags, [attachmentTag(images[0].root.digest, ".sig"), "v1"]);
    await assert.rejects(() => Deno.stat(scratch.at("no store")));
    if (file === "x.tar.gz") assert.ok(served.process.lines.some((line) => /x\.tar\.gz is compressed/.test(line)));
  }
});

peerTest(["oras", "crane", "skopeo"], "clients pull from an archive", async () => {
  await using scratch = await scratchFolder();
  const { images: [image] } = await exported(scratch);
  await using served = await serve(scratch, ["x.tar"]);
  const name = `${served.host}/${REPOSITORIES[0]}`;
  assert.deepEqual((await crane(["catalog", served.host])).trim().split("\n"), REPOSITORIES);
  await crane(["validate", "--remote", `${name}:v1`]);
  await oras(["copy", "--from-plain-http", "--to-oci-layout", `${name}:v1`, `${scratch.at("layout")}:v1`]);
  await skopeo(["copy", "--all", "--src-tls-verify=false", `docker://${name}:v1`, `dir:${scratch.at("folder")}`]);
  assert.equal((await crane(["digest", `${name}:v1`])).trim(), image.root.digest);
});

Deno.test("satchel pulls from several archives, served as one", async () => {
  await using scratch = await scratchFolder();
  const { images } = await exported(scratch);
  await using served = await serve(scratch, ["x.tar", IG_ARCHIVE]);
  const store = scratch.at("copy");
  const pull = (name: string) =>
    satchelSucceeds(["image", "pull", "--insecure-registries", served.host, `${served.host}/${name}`], { store });
  await pull(NAMES[0]);
  await pull("127.0.0.1_5001/fixture/hello:v1");
  const list = JSON.parse(await satchelSucceeds(["image", "list", "--no-trunc", "-o", "json"], { store }));
  const digests = list.map(({ Digest }: { Digest: string }) => Digest);
  assert.ok(digests.includes(images[0].root.digest) && digests.length === 2, digests.join());
});

peerTest("cosign", "cosign verifies a signature in an archive that ig has written", async () => {
  await using scratch = await scratchFolder();
  await using served = await serve(scratch, [IG_ARCHIVE]);
  const key = new URL("../fixtures/cosign.pub", import.meta.url).pathname;
  const local = ["--insecure-ignore-tlog", "--new-bundle-format=false", "--allow-http-registry"];
  const image = `${served.host}/127.0.0.1_5001/fixture/hello:v1`;
  await succeed(peer("cosign"), ["verify", "--key", key, ...local, image], { env: { HOME: scratch.path } });
});

Deno.test("a blob that is damaged in an archive is not sent, and what was left out is not there", async () => {
  await using scratch = await scratchFolder();
  const { images: [image, other] } = await exported(scratch);
  const digest = await damage(scratch, "x.tar", image, 1);
  await using served = await serve(scratch, ["x.tar"]);
  const damaged = await served.fetch(`/v2/${REPOSITORIES[0]}/blobs/${digest}`);
  assert.equal(damaged.status, 500);
  assert.doesNotMatch(await damaged.text(), /x\.tar/);
  await assertHolds(served, REPOSITORIES[1], "v1", other);
  const missing = await served.fetch(`/v2/${REPOSITORIES[0]}/blobs/sha256:${"0".repeat(64)}`);
  assert.equal(missing.status, 404);
  await missing.body?.cancel();
});

Deno.test("nothing can be written to an archive", async () => {
  await using scratch = await scratchFolder();
  await exported(scratch);
  await using served = await serve(scratch, ["x.tar"]);
  for (const [method, path] of [["POST", "blobs/uploads/"], ["PUT", "manifests/v2"], ["DELETE", "manifests/v1"]]) {
    const response = await served.fetch(`/v2/${REPOSITORIES[0]}/${path}`, { method });
    assert.equal(response.status, 405, `${method} ${path}`);
    await response.body?.cancel();
  }
});

Deno.test("what is no archive, and what has no full name in it, is told at the start", async () => {
  await using scratch = await scratchFolder();
  await Deno.writeTextFile(scratch.at("text"), "this is no archive");
  const { images: [image] } = await exported(scratch);
  const layout = scratch.at("layout");
  await Deno.mkdir(`${layout}/blobs/sha256`, { recursive: true });
  await Deno.writeTextFile(`${layout}/oci-layout`, `{"imageLayoutVersion":"1.0.0"}`);
  for (const { digest, bytes } of [...image.manifests, ...image.blobs]) {
    await Deno.writeFile(`${layout}/blobs/sha256/${digest.slice("sha256:".length)}`, bytes);
  }
  const { digest, mediaType, bytes } = image.root;
  const annotations = { "org.opencontainers.image.ref.name": "v1" };
  const manifests = [{ digest, mediaType, size: bytes.length, annotations }];
  await Deno.writeTextFile(`${layout}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }));
  for (
    const [path, message] of [
      ["text", /text is not an archive/],
      ["nothing", /here is no .*nothing/],
      ["layout", /"v1" in .*layout is not a full name of an image[^]*--name/],
    ] as const
  ) {
    const outcome = await satchel(["serve", "--listen", "127.0.0.1:0", "--archive", scratch.at(path)]);
    assert.notEqual(outcome.code, 0, describe(outcome));
    assert.match(outcome.stderr, message);
  }
});

Deno.test("what an archive leaves out is warned of at the start, and no example of a pull names an image that lacks it", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("near");
  const name = "ghcr.io/inspektor-gadget/gadget/trace_open:latest";
  await writeStore(store, [{ image: makeGadget(), name }]);
  await Deno.writeTextFile(scratch.at("have"), await satchelSucceeds(["store", "inventory"], { store }));
  const thin = ["--have", scratch.at("have")];
  await satchelSucceeds(["image", "export", name, scratch.at("thin.tar"), ...thin], { store });
  const sparse = ["--platform", "linux/arm64", "--sparse"];
  await satchelSucceeds(["image", "export", name, scratch.at("sparse.tar"), ...sparse], { store });
  for (
    const [archive, warning] of [["thin.tar", /\d blobs were left out of/], [
      "sparse.tar",
      /1 image is in .* for some/,
    ]] as const
  ) {
    await using served = await serve(scratch, [archive]);
    await served.process.waitFor((line) => line.startsWith("Warning: ") && warning.test(line) || undefined);
    await served.process.waitFor((line) => line.startsWith("No image was found that is there for all") || undefined);
  }
});
