import { strict as assert } from "node:assert";
import {
  assertHolds,
  attachmentTag,
  crane,
  type Image,
  makeCosignSignature,
  makeGadget,
  makeReferrer,
  oras,
  peer,
  peerTest,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  type Served,
  skopeo,
  startServe,
  succeed,
} from "../harness/mod.ts";
import { unpackIgStore, writeStore } from "./cli_stores.ts";

const NAME = "ghcr.io/team/gadget";

/** A store that is served. */
interface World extends AsyncDisposable {
  scratch: Scratch;
  store: string;
  served: Served;
  gadget: Image;
  note: Image;
  signature: Image;
}

/** Serves a gadget with a signature and a note. */
async function startWorld(flags: readonly string[] = []): Promise<World> {
  const scratch = await scratchFolder();
  const store = scratch.at("store");
  const gadget = makeGadget({ layerSize: 2_000_000 });
  const note = makeReferrer(gadget.root, { artifactType: "test/note", payload: "a note" });
  const signature = makeCosignSignature(gadget.root);
  await writeStore(store, [
    { image: gadget, name: `${NAME}:v1` },
    { image: gadget, name: `${NAME}:latest` },
    { image: makeGadget(), name: "quay.io/other/gadget:v2" },
    { image: signature, name: attachmentTag(gadget.root.digest, ".sig") },
    { image: note },
  ]);
  const served = await startServe({ store, flags });
  return {
    scratch,
    store,
    served,
    gadget,
    note,
    signature,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

Deno.test("satchel pulls an image with all that belongs to it from another satchel", async () => {
  await using world = await startWorld();
  const { served, scratch, gadget, note } = world;
  const store = scratch.at("copy");
  const name = `${served.host}/${NAME}:v1`;
  await satchelSucceeds(["image", "pull", "--insecure-registries", served.host, name], { store });
  const list = JSON.parse(await satchelSucceeds(["image", "list", "--all", "--no-trunc", "-o", "json"], { store }));
  const digests = list.map(({ Digest }: { Digest: string }) => Digest);
  assert.ok(digests.includes(gadget.root.digest) && digests.includes(note.root.digest), digests.join());
  const checked = JSON.parse(await satchelSucceeds(["store", "check", "-o", "json"], { store }));
  assert.deepEqual(checked.damage, []);
});

Deno.test("a served store is a mirror of the registries that its images are from", async () => {
  for (const flags of [[], ["--mirror-of", "ghcr.io"]]) {
    await using world = await startWorld(flags);
    const { served, scratch } = world;
    const endpoint = flags.length > 0 ? `http://${served.host}` : `http://${served.host}/ghcr.io`;
    const config = scratch.at("config.yaml");
    const mirrors = { "ghcr.io": [{ endpoint, resolveTags: true }] };
    await Deno.writeTextFile(config, JSON.stringify({ mirrors }));
    const options = { store: scratch.at("copy"), env: { SATCHEL_CONFIG: config } };
    await satchelSucceeds(["image", "pull", `${NAME}:v1`], options);
    const list = JSON.parse(await satchelSucceeds(["image", "list", "--no-trunc", "-o", "json"], options));
    assert.deepEqual(list.map(({ Repository, Tag }: Record<string, string>) => `${Repository}:${Tag}`), [`${NAME}:v1`]);
  }
});

peerTest("oras", "oras lists, pulls and discovers what a store has", async () => {
  await using world = await startWorld();
  const { served: { host }, scratch, gadget, note } = world;
  const name = `${host}/${NAME}`;
  const lines = async (...args: string[]) => (await oras([...args, "--plain-http"])).trim().split("\n");
  assert.deepEqual(await lines("repo", "ls", host), [NAME, "quay.io/other/gadget"]);
  assert.deepEqual(await lines("repo", "tags", name), ["latest", attachmentTag(gadget.root.digest, ".sig"), "v1"]);
  const found = JSON.parse(await oras(["discover", "--plain-http", "--format", "json", `${name}:v1`]));
  assert.deepEqual(found.referrers.map((each: { digest: string }) => each.digest), [note.root.digest]);
  const layout = scratch.at("layout");
  await oras(["copy", "--from-plain-http", "--recursive", "--to-oci-layout", `${name}:v1`, `${layout}:v1`]);
  for (const { digest, bytes } of [...gadget.manifests, ...gadget.blobs, ...note.manifests]) {
    const copied = await Deno.readFile(`${layout}/blobs/sha256/${digest.slice("sha256:".length)}`);
    assert.deepEqual(copied, new Uint8Array(bytes), digest);
  }
});

peerTest("crane", "crane lists, validates and copies what a store has", async () => {
  await using world = await startWorld();
  const { served: { host }, gadget, signature } = world;
  const name = `${host}/${NAME}`;
  assert.deepEqual((await crane(["catalog", host])).trim().split("\n"), [NAME, "quay.io/other/gadget"]);
  assert.equal((await crane(["digest", `${name}:v1`])).trim(), gadget.root.digest);
  assert.ok((await crane(["ls", name])).split("\n").includes("v1"));
  await crane(["validate", "--remote", `${name}:latest`]);
  const tag = attachmentTag(gadget.root.digest, ".sig");
  assert.equal((await crane(["digest", `${name}:${tag}`])).trim(), signature.root.digest);
});

peerTest("skopeo", "skopeo lists tags, and copies an image for every platform", async () => {
  await using world = await startWorld();
  const { served: { host }, scratch, gadget } = world;
  const name = `docker://${host}/${NAME}`;
  const { Tags } = JSON.parse(await skopeo(["list-tags", "--tls-verify=false", name]));
  assert.ok(Tags.includes("v1"));
  const folder = scratch.at("folder");
  await skopeo(["copy", "--all", "--src-tls-verify=false", `${name}:v1`, `dir:${folder}`]);
  for (const { digest, bytes } of gadget.blobs) {
    assert.deepEqual(await Deno.readFile(`${folder}/${digest.slice("sha256:".length)}`), new Uint8Array(bytes));
  }
});

peerTest(
  "cosign",
  "cosign verifies a signature that ig has stored, under a name whose registry had a port",
  async () => {
    await using scratch = await scratchFolder();
    await using served = await startServe({ store: await unpackIgStore(scratch.path) });
    const image = `${served.host}/127.0.0.1_5001/fixture/hello:v1`;
    const options = { env: { HOME: scratch.path }, cwd: scratch.path };
    const key = new URL("../fixtures/cosign.pub", import.meta.url).pathname;
    const local = ["--insecure-ignore-tlog", "--new-bundle-format=false", "--allow-http-registry"];
    const printed = await succeed(
      peer("cosign"),
      ["verify", "--key", key, ...local, "--output", "json", image],
      options,
    );
    const digest = "sha256:e38971200f97ea6b65a97a258b408dbeb4486a4f8aed52a428073fd13f0dd228";
    assert.match(printed, new RegExp(digest));
    const triangulated = await succeed(peer("cosign"), ["triangulate", "--allow-http-registry", image], options);
    const [, tag] = /:(sha256-[0-9a-f]{64}\.sig)\s*$/.exec(triangulated) ?? [];
    assert.equal(tag, attachmentTag(digest, ".sig"));
    const { tags } = await (await served.fetch("/v2/127.0.0.1_5001/fixture/hello/tags/list")).json();
    assert.deepEqual(tags, [tag, "v1"]);
    const other = await (await served.fetch("/v2/127.0.0.1_5001/fixture/other/tags/list")).json();
    assert.deepEqual(other.tags, ["v2"]);
  },
);

Deno.test("everything of an image comes as it is stored, also in parts, and nothing that is known already", async () => {
  await using world = await startWorld();
  const { served, gadget } = world;
  await assertHolds(served, NAME, "v1", gadget);
  const { digest, bytes } = gadget.blobs.find((each) => each.bytes.length === 2_000_000)!;
  const path = `/v2/${NAME}/blobs/${digest}`;
  for (
    const [range, from, to] of [["0-9", 0, 10], ["1000000-", 1_000_000, 2_000_000], [
      "-5",
      1_999_995,
      2_000_000,
    ]] as const
  ) {
    const response = await served.fetch(path, { headers: { Range: `bytes=${range}` } });
    assert.equal(response.status, 206);
    assert.equal(response.headers.get("Content-Range"), `bytes ${from}-${to - 1}/2000000`);
    assert.equal(response.headers.get("Content-Length"), String(to - from));
    assert.deepEqual(await response.bytes(), bytes.slice(from, to));
  }
  const beyond = await served.fetch(path, { headers: { Range: "bytes=2000000-" } });
  assert.deepEqual([beyond.status, beyond.headers.get("Content-Range")], [416, "bytes */2000000"]);
  await beyond.body?.cancel();
  const several = await served.fetch(path, { headers: { Range: "bytes=0-1,5-6" } });
  assert.equal(several.status, 200);
  assert.deepEqual(await several.bytes(), bytes);
  for (const what of [path, `/v2/${NAME}/manifests/v1`]) {
    const head = await served.fetch(what, { method: "HEAD" });
    assert.equal(head.status, 200);
    const tag = head.headers.get("ETag")!;
    const again = await served.fetch(what, { headers: { "If-None-Match": tag } });
    assert.deepEqual([again.status, (await again.bytes()).length], [304, 0]);
  }
  const names = served.process.lines.filter((line) => /content-disposition: filename/.test(line));
  assert.deepEqual(names, []);
  assert.equal((await served.fetch(path, { method: "HEAD" })).headers.get("Content-Disposition"), "attachment");
});

Deno.test("a large blob that proves damaged is sent no more, and the log says why", async () => {
  await using world = await startWorld();
  const { served, store, gadget } = world;
  const { digest, bytes } = gadget.blobs.find((each) => each.bytes.length === 2_000_000)!;
  await Deno.writeFile(`${store}/blobs/sha256/${digest.slice("sha256:".length)}`, bytes.toReversed());
  const path = `/v2/${NAME}/blobs/${digest}`;
  const first = await served.fetch(path);
  assert.equal((await first.bytes()).length, bytes.length);
  await served.process.waitFor((line) => line.includes(digest) && line.includes("other bytes") || undefined);
  const second = await served.fetch(path);
  assert.equal(second.status, 500);
  assert.doesNotMatch(await second.text(), new RegExp(store));
});

/** Sends a request as it stands, and returns the answer. */
async function raw(host: string, request: string): Promise<string> {
  const [hostname, port] = host.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text();
}

Deno.test("paths that no client would send are answered with an error, and the server goes on", async () => {
  await using world = await startWorld();
  const { served: { host }, served } = world;
  const secret = "root:";
  for (
    const target of [
      "/v2/../../../../etc/passwd",
      "/v2/%2e%2e/%2e%2e/etc/passwd",
      "/v2/..%2f..%2fetc%2fpasswd/manifests/x",
      "/v2/a/blobs/..%2f..%2f..%2findex.json",
      "/v2/a/blobs/sha256:..%2f..%2findex.json",
      "/v2/a%00b/manifests/latest",
      "/v2/a\\..\\..\\b/manifests/latest",
      "/v2//manifests/latest",
      "/v2/a/manifests/%",
      "/v2/a/manifests/%ff",
      `/v2/${"a".repeat(10_000)}/manifests/latest`,
      `/v2/${"a".repeat(100_000)}/manifests/latest`,
      "http://elsewhere.test/v2/a/manifests/latest",
      "v2/",
      "*",
    ]
  ) {
    for (const hostHeader of ["x", "[", "a b", ""]) {
      const answer = await raw(host, `GET ${target} HTTP/1.1\r\nHost: ${hostHeader}\r\nConnection: close\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, `${target.slice(0, 50)} ${hostHeader}`);
      assert.ok(!answer.includes(secret));
    }
  }
  const head = await raw(host, `HEAD /v2/a/manifests/latest HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  assert.match(head, /^HTTP\/1\.1 404 /);
  assert.ok(head.endsWith("\r\n\r\n"), "it has no body");
  assert.equal((await served.fetch("/v2/")).status, 200);
});
