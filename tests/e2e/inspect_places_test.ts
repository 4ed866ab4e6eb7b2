import assert from "node:assert/strict";
import { join } from "node:path";
import {
  attachmentTag,
  binary,
  type Blob,
  digestOf,
  type Image,
  makeCosignSignature,
  makeGadget,
  makeReferrer,
  peerTest,
  pushImage,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  scratchFolder,
  startRegistry,
  startServedRegistry,
  succeed,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { gadgetStore, recordedGadget } from "./gadget_images.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

function blobOf(mediaType: string, content: unknown): Blob {
  const bytes = new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content));
  return { mediaType, bytes, digest: digestOf(bytes) };
}

/** An image of one manifest, of whatever kind. */
function artifact(config: Blob, layers: readonly Blob[]): Image {
  const described = ({ mediaType, digest, bytes }: Blob) => ({ mediaType, digest, size: bytes.length });
  const root = blobOf(MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: described(config),
    layers: layers.map(described),
    annotations: { "org.opencontainers.image.created": "2026-01-02T03:04:05Z" },
  });
  return { root, manifests: [root], blobs: [config, ...layers] };
}

/** What was asked for of blobs, each as its digest. */
function blobRequests(requests: readonly string[]): string[] {
  return requests.flatMap((line) => /^(?:GET|HEAD) \/v2\/\S+\/blobs\/(\S+) /.exec(line)?.[1] ?? []);
}

Deno.test("inspect of an image that is not in the store fetches manifests and the config alone, and stores nothing", async () => {
  await using registry = await startServedRegistry();
  await using scratch = await scratchFolder();
  const image = recordedGadget("trace-ringbuf");
  await pushImage(registry, "team/gadget", "v1", image);
  const [config] = image.blobs;
  const store = scratch.at("store");
  const run = (...args: string[]) =>
    satchel(["image", "inspect", `${registry.host}/team/gadget:v1`, "--insecure-registries", registry.host, ...args], {
      store,
    });
  for (const mode of ["summary", "json", "yaml"]) {
    const before = registry.requests().length;
    const { code, stdout, stderr } = await run("-o", mode);
    assert.equal(code, 0);
    assert.deepEqual(blobRequests(registry.requests().slice(before)), [config.digest]);
    if (mode === "summary") {
      assert.match(stdout, /^Found in {6}the registry 127\.0\.0\.1:\d+, not pulled$/m);
      assert.match(stdout, /^Not fetched\n {2}- application\/vnd\.gadget\.ebpf\.program\.v1\+binary \(\d/m);
    } else {
      assert.match(stderr, /^Warning: what is in layers \([\d.]+ kB\) is left out/);
      assert.match(stdout, /oci\.metadata/);
      assert.doesNotMatch(stdout, /ebpf\.maps/);
    }
  }
  await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
});

Deno.test("inspect of a key of a layer fetches that layer, once, for the platform alone", async () => {
  await using registry = await startServedRegistry();
  const image = recordedGadget("ebpf-and-wasm");
  await pushImage(registry, "team/gadget", "v1", image);
  const { config, layers } = JSON.parse(new TextDecoder().decode(image.manifests[1].bytes));
  for (const args of [["--extra-info", "ebpf.sections"], ["--show-datasources"]]) {
    const before = registry.requests().length;
    const name = `${registry.host}/team/gadget:v1`;
    const flags = ["--insecure-registries", registry.host, "--platform", "linux/arm64"];
    await satchelSucceeds(["image", "inspect", name, ...flags, ...args]);
    const wanted = [config, ...layers].map(({ digest }: { digest: string }) => digest);
    assert.deepEqual(blobRequests(registry.requests().slice(before)), wanted);
  }
});

Deno.test("the summary of what is on a registry asks for nothing twice", async () => {
  await using registry = await startServedRegistry();
  // Both of its platforms have one manifest.
  await pushImage(registry, "team/gadget", "v1", recordedGadget("trace-ringbuf"));
  const before = registry.requests().length;
  await satchelSucceeds([
    "image",
    "inspect",
    `${registry.host}/team/gadget:v1`,
    "--insecure-registries",
    registry.host,
    "-o",
    "summary",
  ]);
  const asked = registry.requests().slice(before).map((line) => line.split(" ").slice(0, 2).join(" "));
  assert.deepEqual(asked.filter((line, at) => asked.indexOf(line) !== at), []);
  assert.equal(asked.filter((line) => line.includes("/referrers/")).length, 2);
});

Deno.test("a key that there is not is told with those of the layers, which are not fetched for it", async () => {
  await using registry = await startServedRegistry();
  await pushImage(registry, "team/gadget", "v1", recordedGadget("ebpf-and-wasm"));
  const name = `${registry.host}/team/gadget:v1`;
  const line = ["image", "inspect", name, "--insecure-registries", registry.host, "--extra-info"];
  const { code, stderr } = await satchel([...line, "all"]);
  assert.equal(code, 3);
  assert.match(
    stderr,
    /^Hint: There is ebpf\.flowchart, .*ebpf\.maps, .*oci\.tag, wasm\.gadgetAPIVersion, wasm\.upcalls\.$/m,
  );
  assert.deepEqual(blobRequests(registry.requests()).filter((each, at, all) => all.indexOf(each) !== at), []);
});

Deno.test("the summary tells of the types of kernels that a gadget brings along", async () => {
  await using scratch = await scratchFolder();
  const name = "example.org/x/y:v1";
  const image = artifact(blobOf("application/vnd.gadget.config.v1+yaml", "name: x\n"), [
    blobOf("application/vnd.gadget.btfgen.v1+binary", "x".repeat(12_300)),
  ]);
  await writeStore(scratch.at("store"), [{ image, name }]);
  const shown = await satchelSucceeds(["image", "inspect", name, "-o", "summary"], { store: scratch.at("store") });
  assert.match(shown, /^BTFs +for kernels that have none of their own \(12\.3 kB\)$/m);
});

Deno.test("the summary tells what gadget.yaml alone has as what it says", async () => {
  await using scratch = await scratchFolder();
  const name = "example.org/x/y:v1";
  const metadata =
    "name: x\ndatasources:\n  alerts:\n    fields:\n      why:\n        annotations:\n          description: reason\n" +
    "params:\n  wasm:\n    level:\n      key: level\n      defaultValue: '3'\n";
  await writeStore(scratch.at("store"), [{ image: makeGadget({ metadata }), name }]);
  const shown = await satchelSucceeds(["image", "inspect", name, "-o", "summary"], { store: scratch.at("store") });
  assert.match(shown, /^ {2}alerts \(as gadget\.yaml describes it\)\n.*\n {4}why +- +reason$/m);
  assert.match(shown, /^ {2}level +- +3 +Of wasm\.$/m);
});

Deno.test("inspect --pull says whether the store or the registry is asked", async () => {
  await using registry = await startServedRegistry();
  await using scratch = await scratchFolder();
  const name = `${registry.host}/team/gadget:v1`;
  const [here, there] = [
    makeGadget({ created: "2026-01-01T00:00:00Z" }),
    makeGadget({ created: "2026-02-02T00:00:00Z" }),
  ];
  await writeStore(scratch.at("store"), [{ image: here, name }]);
  await pushImage(registry, "team/gadget", "v1", there);
  const created = async (...args: string[]) => {
    const line = ["image", "inspect", name, "--extra-info", "oci.created", "--insecure-registries", registry.host];
    return (await satchelSucceeds([...line, ...args], { store: scratch.at("store") })).trim();
  };
  const before = registry.requests().length;
  assert.equal(await created(), "2026-01-01T00:00:00Z");
  assert.equal(await created("--pull", "never"), "2026-01-01T00:00:00Z");
  assert.equal(registry.requests().length, before);
  assert.equal(await created("--pull", "always"), "2026-02-02T00:00:00Z");
});

Deno.test("inspect of what the registry has not is told as not found, and of a registry that is not there as no network", async () => {
  await using registry = await startServedRegistry();
  const run = (name: string) => satchel(["image", "inspect", name, "--insecure-registries", "127.0.0.1"]);
  const missing = await run(`${registry.host}/team/nothing:v1`);
  assert.deepEqual([missing.code, missing.stdout], [3, ""]);
  assert.match(missing.stderr, /^Error: inspecting image: .*team\/nothing/);
  const away = await run("127.0.0.1:1/team/nothing:v1");
  assert.deepEqual([away.code, away.stdout], [1, ""]);
});

peerTest("registry", "inspect looks into images of a distribution registry", async () => {
  await using registry = await startRegistry();
  await pushImage(registry, "team/gadget", "v1", recordedGadget("wasm-only"));
  const name = `${registry.host}/team/gadget:v1`;
  const flags = ["--insecure-registries", registry.host];
  assert.equal(
    await satchelSucceeds(["image", "inspect", name, ...flags, "--extra-info", "wasm.upcalls", "-o", "json"]),
    '["gadgetLog"]\n',
  );
});

Deno.test("inspect looks into archives and folders as image copy names them", async () => {
  await using scratch = await scratchFolder();
  const store = await gadgetStore(scratch.path);
  const file = scratch.at("two.tar");
  await satchelSucceeds(["image", "export", "kinds", "trace-perf", file], { store });
  const folder = scratch.at("folder");
  await Deno.mkdir(folder);
  await succeed("tar", ["xf", file, "-C", folder]);
  const query = ["--extra-info", "ebpf.maps", "--jsonpath", "[0].Name"];
  const maps = (name: string) => satchel(["image", "inspect", name, ...query]);
  for (const name of [`archive:${file}#kinds`, `dir:${folder}#kinds:latest`]) {
    const { code, stdout, stderr } = await maps(name);
    assert.deepEqual([code, stdout, stderr], [0, "out\n", ""]);
  }
  const words = [await binary(), "image", "inspect", "archive:-#kinds", ...query];
  const env = satchelEnvironment(scratch.at("none"), scratch.path);
  assert.equal(await succeed("sh", ["-c", '"$@" < "$0"', file, ...words], { env }), "out\n");
  const several = await maps(`archive:${file}`);
  assert.equal(several.code, 2);
  assert.match(several.stderr, /there are 2 images in .*\nHint: Say which one is meant/);
  const missing = await maps(`archive:${scratch.at("none.tar")}`);
  assert.deepEqual([missing.code, missing.stdout], [2, ""]);
  const path = await maps(file);
  assert.equal(path.code, 2);
  assert.match(path.stderr, new RegExp(`\\nHint: An archive is archive:${file}\\n$`));
});

Deno.test("inspect shows the archives that ig has written", async () => {
  const folder = new URL("../fixtures/gadgets", import.meta.url).pathname;
  const line = ["image", "inspect", `archive:${join(folder, "wasm-only/archive/image.tar")}`, "-o", "json"];
  const contents = JSON.parse(await satchelSucceeds(line));
  assert.equal(contents["wasm.upcalls"].content, '["gadgetLog"]');
  assert.equal(contents["oci.tag"].content, "latest");
});

Deno.test("inspect shows a container image, a chart, a signature and what nobody knows", async () => {
  await using scratch = await scratchFolder();
  const gadget = makeGadget();
  const container = artifact(
    blobOf("application/vnd.oci.image.config.v1+json", {
      os: "linux",
      architecture: "amd64",
      created: "2026-01-02T03:04:05Z",
      config: { Entrypoint: ["/bin/serve", "a b"], Env: ["PATH=/bin"], ExposedPorts: { "80/tcp": {} }, User: "nobody" },
    }),
    [blobOf("application/vnd.oci.image.layer.v1.tar+gzip", "layer")],
  );
  const chart = artifact(
    blobOf("application/vnd.cncf.helm.config.v1+json", { name: "shop", version: "1.2.3", appVersion: "9" }),
    [blobOf("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "chart")],
  );
  const entries = { container, chart, other: artifact(blobOf("application/vnd.odd", "\x00\xff"), []), gadget };
  const store = scratch.at("store");
  const named = Object.entries(entries).map(([name, image]) => ({ name: `example.org/x/${name}:v1`, image }));
  const signature = { name: attachmentTag(gadget.root.digest, ".sig"), image: makeCosignSignature(gadget.root) };
  await writeStore(store, [...named, signature]);
  const run = async (name: string, ...args: string[]) =>
    await satchelSucceeds(["image", "inspect", `example.org/x/${name}:v1`, ...args], { store });

  const shown = await run("container", "-o", "summary");
  for (
    const line of [
      /^Kind {7}Container image \(application\/vnd\.oci\.image\.config\.v1\+json\)$/m,
      /^ {2}Entrypoint {4}\/bin\/serve "a b"$/m,
      /^ {2}Ports {9}80\/tcp$/m,
      /^ {2}application\/vnd\.oci\.image\.layer\.v1\.tar\+gzip {3}[0-9a-f]{12} {3}5 B$/m,
    ]
  ) assert.match(shown, line);
  assert.doesNotMatch(shown, /Programs|Maps|Problems/);
  const contents = JSON.parse(await run("container", "-o", "json"));
  assert.deepEqual(Object.keys(contents).map((key) => key.split(".")[0]), Array(6).fill("oci"));
  assert.equal(await run("container", "--extra-info", "oci.metadata", "--jsonpath", "$.config.User"), "nobody\n");

  const foreign = ["image", "inspect", "example.org/x/container:v1", "--platform", "linux/arm64", "-o", "json"];
  const { code, stderr } = await satchel(foreign, { store });
  assert.deepEqual([code, stderr], [3, "Error: there is nothing for linux/arm64 in it; it is for linux/amd64\n"]);

  assert.match(await run("chart", "-o", "summary"), /^Kind {7}Helm chart .*^ {2}Chart {9}shop 1\.2\.3$/ms);
  assert.match(await run("other", "-o", "summary"), /^Kind {7}application\/vnd\.odd$/m);
  assert.equal(await run("other", "-o", "json"), "{}\n");
  assert.match(
    await run("gadget", "-o", "summary"),
    /^Signatures, not verified\n.*\n {2}cosign-tag {3}[0-9a-f]{12} {3}image$/m,
  );
  const attached = await satchelSucceeds(["image", "inspect", signature.name, "-o", "summary"], { store });
  assert.match(attached, /^Name {7}sha256-[0-9a-f]{64}\.sig$/m);
});

Deno.test("inspect tells what refers to an image on a registry, and what could not be looked up", async () => {
  await using registry = await startServedRegistry();
  const image = recordedGadget("trace-perf");
  await pushImage(registry, "team/gadget", "v1", image);
  await pushImage(
    registry,
    "team/gadget",
    undefined,
    makeReferrer(image.root, { artifactType: "application/spdx+json", payload: "{}" }),
  );
  const tag = attachmentTag(image.root.digest, ".sig");
  await pushImage(registry, "team/gadget", tag, makeCosignSignature(image.root));
  const name = `${registry.host}/team/gadget:v1`;
  const shown = await satchelSucceeds([
    "image",
    "inspect",
    name,
    "--insecure-registries",
    registry.host,
    "-o",
    "summary",
  ]);
  assert.match(shown, /^Signatures, not verified\n.*\n {2}cosign-tag/m);
  assert.match(shown, /^Attached\n.*\n {2}Bill of materials \(SPDX\)/m);
  assert.doesNotMatch(shown, /Could not be looked up/);
});

Deno.test("inspect of an image that is damaged or incomplete says so", async () => {
  await using scratch = await scratchFolder();
  const store = await gadgetStore(scratch.path);
  const { blobs } = recordedGadget("trace-perf");
  const layer = join(store, "blobs/sha256", blobs[1].digest.slice("sha256:".length));
  const run = () => satchel(["image", "inspect", "trace-perf", "--extra-info", "ebpf.maps"], { store });
  await Deno.writeFile(layer, new Uint8Array(blobs[1].bytes.length));
  const damaged = await run();
  assert.deepEqual([damaged.code, damaged.stdout], [5, ""]);
  assert.match(damaged.stderr, /^Error: .*has other bytes than its name says/);
  await Deno.remove(layer);
  const missing = await run();
  assert.deepEqual([missing.code, missing.stdout], [3, ""]);
  assert.match(missing.stderr, /^Error: ghcr\.io\/inspektor-gadget\/gadget\/trace-perf:latest is incomplete: /);
  const summary = await satchelSucceeds(["image", "inspect", "trace-perf", "-o", "summary"], { store });
  assert.match(summary, /^Digest .*^Platforms\n.*^Not readable\n {2}- .* is incomplete: /ms);
  const other = ["image", "inspect", "trace-perf", "--extra-info", "oci.tag"];
  assert.equal(await satchelSucceeds(other, { store }), "latest\n");
});
