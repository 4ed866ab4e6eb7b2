import { strict as assert } from "node:assert";
import {
  assertHolds,
  crane,
  digestOf,
  type Image,
  makeGadget,
  oras,
  peerTest,
  pushImage,
  type Registry,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  skopeo,
  startRegistry,
} from "../harness/mod.ts";

/** A registry with a gadget, and a store that satchel pulled it into. */
interface World extends AsyncDisposable {
  scratch: Scratch;
  registry: Registry;
  gadget: Image;
  store: string;
  /** Flags of satchel's pull and push. */
  insecure: string[];
}

async function startWorld(): Promise<World> {
  const scratch = await scratchFolder();
  const registry = await startRegistry();
  const gadget = makeGadget();
  await pushImage(registry, "demo/gadget", "v1", gadget);
  const insecure = ["--insecure-registries", registry.host];
  const store = scratch.at("store");
  await satchelSucceeds(["image", "pull", `${registry.host}/demo/gadget:v1`, ...insecure], { store });
  return {
    scratch,
    registry,
    gadget,
    store,
    insecure,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** Lets satchel push the gadget as `name`, and returns the full name. */
async function pushAs({ registry, store, insecure }: World, name: string): Promise<string> {
  await satchelSucceeds(["image", "tag", `${registry.host}/demo/gadget:v1`, `${registry.host}/${name}`], { store });
  await satchelSucceeds(["image", "push", `${registry.host}/${name}`, ...insecure], { store });
  return `${registry.host}/${name}`;
}

/** Lets satchel pull a name into an empty store, and checks that it got this digest, whole. */
async function assertPulls(world: World, name: string, digest: string): Promise<void> {
  const options = { store: world.scratch.at("second") };
  const pulled = await satchelSucceeds(["image", "pull", name, ...world.insecure], options);
  assert.equal(pulled, `Successfully pulled ${name}@${digest}\n`);
  await satchelSucceeds(["store", "check"], options);
}

peerTest(["registry", "crane"], "crane reads what satchel pushed, layer for layer", async () => {
  await using world = await startWorld();
  const name = await pushAs(world, "by-satchel/gadget:v2");
  assert.equal((await crane(["digest", name])).trim(), world.gadget.root.digest);
  await crane(["validate", "--remote", name]);
  await crane(["copy", name, `${world.registry.host}/by-crane/copy:v3`]);
  await assertHolds(world.registry, "by-crane/copy", "v3", world.gadget);
});

peerTest(["registry", "crane"], "satchel reads what crane pushed", async () => {
  await using world = await startWorld();
  const name = `${world.registry.host}/by-crane/gadget:v2`;
  await crane(["copy", `${world.registry.host}/demo/gadget:v1`, name]);
  await assertPulls(world, name, world.gadget.root.digest);
});

peerTest(["registry", "oras"], "oras reads what satchel pushed, layer for layer", async () => {
  await using world = await startWorld();
  const name = await pushAs(world, "by-satchel/gadget:v2");
  assert.equal((await oras(["resolve", "--plain-http", name])).trim(), world.gadget.root.digest);
  const copy = `${world.registry.host}/by-oras/copy:v3`;
  await oras(["copy", "--from-plain-http", "--to-plain-http", name, copy]);
  await assertHolds(world.registry, "by-oras/copy", "v3", world.gadget);
});

peerTest(["registry", "oras"], "satchel reads an artifact that oras pushed", async () => {
  await using world = await startWorld();
  const { scratch, registry } = world;
  await Deno.writeTextFile(scratch.at("notes.txt"), "some notes");
  const name = `${registry.host}/by-oras/notes:v1`;
  const flags = ["--plain-http", "--artifact-type", "application/vnd.test.notes", "--annotation", "kind=notes"];
  await oras(["push", ...flags, name, "notes.txt:text/plain"], { cwd: scratch.path });
  const digest = (await oras(["resolve", "--plain-http", name])).trim();
  await assertPulls(world, name, digest);
});

peerTest(["registry", "skopeo"], "skopeo reads what satchel pushed, layer for layer", async () => {
  await using world = await startWorld();
  const name = await pushAs(world, "by-satchel/gadget:v2");
  const copy = `${world.registry.host}/by-skopeo/copy:v3`;
  const insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  await skopeo(["copy", "--all", "--preserve-digests", ...insecure, `docker://${name}`, `docker://${copy}`]);
  await assertHolds(world.registry, "by-skopeo/copy", "v3", world.gadget);
});

peerTest(["registry", "skopeo"], "satchel reads what skopeo pushed in Docker's format", async () => {
  await using world = await startWorld();
  const { scratch, registry } = world;
  // An image with a config and layers as skopeo wants them, from an empty folder.
  await writeDockerImage(scratch);
  const name = `${registry.host}/by-skopeo/image:v1`;
  const flags = ["--format", "v2s2", "--dest-tls-verify=false"];
  await skopeo(["copy", ...flags, `oci:${scratch.at("layout")}:image`, `docker://${name}`]);
  const raw = await skopeo(["inspect", "--raw", "--tls-verify=false", `docker://${name}`]);
  assert.equal(JSON.parse(raw).mediaType, "application/vnd.docker.distribution.manifest.v2+json");
  const digest = /Digest": "([^"]+)/.exec(await skopeo(["inspect", "--tls-verify=false", `docker://${name}`]))?.[1];
  await assertPulls(world, name, digest ?? "");
});

peerTest(["registry", "oras"], "oras reads satchel's store as an OCI layout", async () => {
  await using world = await startWorld();
  const { registry, store, gadget } = world;
  const copy = `${registry.host}/from-store/by-oras:v1`;
  // The name of an entry is the whole reference, which oras takes for a tag.
  const source = ["--from-oci-layout-path", store, `${registry.host}/demo/gadget:v1`];
  await oras(["copy", "--to-plain-http", ...source, copy]);
  await assertHolds(registry, "from-store/by-oras", "v1", gadget);
});

peerTest(["registry", "oras"], "oras fetches a manifest of satchel's store by digest", async () => {
  await using world = await startWorld();
  const raw = await oras(["manifest", "fetch", "--oci-layout", `${world.store}@${world.gadget.root.digest}`]);
  assert.equal(raw.trimEnd(), new TextDecoder().decode(world.gadget.root.bytes));
});

peerTest(["registry", "skopeo"], "skopeo reads satchel's store as an OCI layout", async () => {
  await using world = await startWorld();
  const { registry, store, gadget } = world;
  const copy = `${registry.host}/from-store/by-skopeo:v1`;
  const source = `oci:${store}:${registry.host}/demo/gadget:v1`;
  await skopeo(["copy", "--all", "--preserve-digests", "--dest-tls-verify=false", source, `docker://${copy}`]);
  await assertHolds(registry, "from-store/by-skopeo", "v1", gadget);
});

/** Writes an OCI layout with an image of one empty layer, named `image`. */
async function writeDockerImage(scratch: Scratch): Promise<void> {
  const layout = scratch.at("layout");
  await Deno.mkdir(`${layout}/blobs/sha256`, { recursive: true });
  const write = async (mediaType: string, bytes: Uint8Array) => {
    const digest = digestOf(bytes);
    await Deno.writeFile(`${layout}/blobs/${digest.replace(":", "/")}`, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const tar = new Uint8Array(1024);
  const layer = await write("application/vnd.oci.image.layer.v1.tar+gzip", await gzip(tar));
  const rootfs = { type: "layers", diff_ids: [digestOf(tar)] };
  const image = { architecture: "amd64", os: "linux", config: {}, rootfs, history: [] };
  const config = await write("application/vnd.oci.image.config.v1+json", json(image));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await write(mediaType, json({ schemaVersion: 2, mediaType, config, layers: [layer] }));
  const entry = { ...manifest, annotations: { "org.opencontainers.image.ref.name": "image" } };
  await Deno.writeTextFile(`${layout}/oci-layout`, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await Deno.writeFile(`${layout}/index.json`, json({ schemaVersion: 2, manifests: [entry] }));
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
}
