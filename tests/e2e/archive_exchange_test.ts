import { strict as assert } from "node:assert";
import {
  assertHolds,
  crane,
  digestOf,
  type GadgetOptions,
  type Image,
  makeGadget,
  oras,
  peerTest,
  pushImage,
  readManifest,
  type Registry,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  skopeo,
  startRegistry,
  succeed,
} from "../harness/mod.ts";

// Archives of satchel's, as other tools read them, and back again. What they write is read in import_foreign_test.ts.

const NAME = "example.org/a/b:v1";

/** An archive of one gadget, and a registry for it to go to. */
interface World extends AsyncDisposable {
  scratch: Scratch;
  registry: Registry;
  gadget: Image;
  archive: string;
}

async function startWorld(options?: GadgetOptions): Promise<World> {
  const scratch = await scratchFolder();
  const registry = await startRegistry();
  const gadget = makeGadget(options);
  await pushImage(registry, "demo/gadget", "v1", gadget);
  const source = `${registry.host}/demo/gadget:v1`;
  const near = { store: scratch.at("near") };
  const archive = scratch.at("x.tar");
  await satchelSucceeds(["image", "pull", source, "--insecure-registries", registry.host], near);
  await satchelSucceeds(["image", "tag", source, NAME], near);
  await satchelSucceeds(["image", "export", NAME, archive], near);
  return {
    scratch,
    registry,
    gadget,
    archive,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** Imports an archive into an empty store; returns the digest that it has there. */
async function importedDigest({ scratch }: World, archive: string, ...flags: string[]): Promise<string> {
  await using elsewhere = await scratchFolder();
  const args = ["image", "import", archive, "-o", "json", ...flags];
  const [image] = JSON.parse(await satchelSucceeds(args, { store: elsewhere.at("store"), cwd: scratch.path }));
  return image.digest;
}

peerTest(
  ["registry", "oras"],
  "oras pushes out of satchel's archive, and satchel reads what oras wrote out of it",
  async () => {
    await using world = await startWorld();
    const { scratch, registry, gadget, archive } = world;
    const inArchive = `${archive}@${gadget.root.digest}`;
    await oras(["cp", "--from-oci-layout", inArchive, "--to-plain-http", `${registry.host}/oras/gadget:v1`]);
    await assertHolds(registry, "oras/gadget", "v1", gadget);
    await oras(["cp", "--from-oci-layout", inArchive, "--to-oci-layout", `${scratch.at("oras")}:v1`]);
    assert.equal(await importedDigest(world, "oras", "--name", "example.org/a/b"), gadget.root.digest);
  },
);

peerTest(["registry", "crane"], "crane pushes an image out of satchel's archive, unpacked", async () => {
  await using world = await startWorld();
  const { scratch, registry, gadget } = world;
  // crane takes a layout of one image; that of one platform is such.
  const [single] = gadget.manifests;
  const near = { store: scratch.at("near") };
  const name = `example.org/a/b@${single.digest}`;
  await pushImage(registry, "demo/single", "v1", { ...gadget, root: single, manifests: [single] });
  const source = `${registry.host}/demo/single:v1`;
  await satchelSucceeds(["image", "pull", source, "--insecure-registries", registry.host], near);
  await satchelSucceeds(["image", "export", source, scratch.at("single.tar")], near);
  await Deno.mkdir(scratch.at("single"));
  await succeed("tar", ["-xf", scratch.at("single.tar"), "-C", scratch.at("single")]);
  await crane(["push", "--insecure", scratch.at("single"), `${registry.host}/crane/single:v1`]);
  assert.equal((await readManifest(registry, "crane/single", "v1"))?.digest, single.digest);
  await crane(["pull", "--insecure", "--format=oci", `${registry.host}/crane/single:v1`, scratch.at("crane")]);
  assert.equal(await importedDigest(world, "crane", "--name", name.split("@")[0]), single.digest);
});

peerTest(
  ["registry", "skopeo"],
  "skopeo copies out of satchel's archive, and satchel reads what it copied",
  async () => {
    await using world = await startWorld();
    const { scratch, registry, gadget, archive } = world;
    const target = `docker://${registry.host}/skopeo/gadget:v1`;
    await skopeo([
      "copy",
      "--all",
      "--preserve-digests",
      "--dest-tls-verify=false",
      `oci-archive:${archive}:${NAME}`,
      target,
    ]);
    assert.equal((await readManifest(registry, "skopeo/gadget", "v1"))?.digest, gadget.root.digest);
    const copied = `oci-archive:${scratch.at("skopeo.tar")}:${NAME}`;
    await skopeo(["copy", "--all", "--preserve-digests", "--src-tls-verify=false", target, copied]);
    assert.equal(await importedDigest(world, "skopeo.tar"), gadget.root.digest);
  },
);

peerTest(["registry", "crane"], "crane's docker-style tarball gets the digest that crane gives it", async () => {
  await using world = await startWorld();
  const { scratch, registry } = world;
  const source = `${registry.host}/demo/docker:v1`;
  await pushDockerImage(scratch, registry, "demo/docker", "v1");
  await crane(["pull", "--insecure", "--format=tarball", source, scratch.at("crane.tar")]);
  const pushed = await crane(["push", "--insecure", scratch.at("crane.tar"), `${registry.host}/back/crane:v1`]);
  assert.equal(await importedDigest(world, "crane.tar"), pushed.trim().split("@")[1]);
});

peerTest(
  ["registry", "skopeo"],
  "what skopeo writes as docker-archive is the image that it was, its layers inflated",
  async () => {
    await using world = await startWorld();
    const { scratch, registry } = world;
    const source = `docker://${registry.host}/demo/docker:v1`;
    const { config, layer } = await pushDockerImage(scratch, registry, "demo/docker", "v1");
    await skopeo(["copy", "--src-tls-verify=false", source, `docker-archive:${scratch.at("skopeo.tar")}:${NAME}`]);
    const far = { store: scratch.at("far") };
    const target = `${registry.host}/back/skopeo:v1`;
    await satchelSucceeds(["image", "import", scratch.at("skopeo.tar"), "--tag", `${NAME}=${target}`], far);
    await satchelSucceeds(["image", "push", target, "--insecure-registries", registry.host], far);
    const manifest = (await readManifest(registry, "back/skopeo", "v1"))?.json as {
      config: { digest: string };
      layers: { digest: string }[];
    };
    assert.equal(manifest.config.digest, config);
    assert.deepEqual(manifest.layers.map(({ digest }) => digest), [layer]);
  },
);

/** Pushes an image of Docker's types; returns the digests of its config, and of its layer before it was compressed. */
async function pushDockerImage(scratch: Scratch, registry: Registry, repository: string, tag: string) {
  await Deno.writeTextFile(scratch.at("file"), "some text");
  await succeed("tar", ["-cf", scratch.at("layer.tar"), "-C", scratch.path, "file"]);
  const layer = await Deno.readFile(scratch.at("layer.tar"));
  await succeed("gzip", ["-n", scratch.at("layer.tar")]);
  const config = new TextEncoder().encode(JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
  }));
  const blob = (mediaType: string, bytes: Uint8Array<ArrayBuffer>) => ({ digest: digestOf(bytes), mediaType, bytes });
  const blobs = [
    blob("application/vnd.docker.container.image.v1+json", config),
    blob("application/vnd.docker.image.rootfs.diff.tar.gzip", await Deno.readFile(scratch.at("layer.tar.gz"))),
  ];
  const [described, ...layers] = blobs.map(({ bytes, ...rest }) => ({ ...rest, size: bytes.length }));
  const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
  const text = JSON.stringify({ schemaVersion: 2, mediaType, config: described, layers });
  const root = blob(mediaType, new TextEncoder().encode(text));
  await pushImage(registry, repository, tag, { root, manifests: [root], blobs });
  return { config: described.digest, layer: digestOf(layer) };
}
