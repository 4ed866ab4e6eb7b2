import assert from "node:assert/strict";
import {
  attachmentTag,
  describe,
  digestOf,
  type Image,
  makeCosignSignature,
  makeGadget,
  makeReferrer,
  oras,
  peerTest,
  satchel,
  satchelByDeno,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  skopeo,
  succeed,
} from "../harness/mod.ts";
import { type Entry, unpackIgStore, writeStore } from "./cli_stores.ts";
import { writeModule } from "./plugin_files.ts";

const HELLO = "127.0.0.1:5001/fixture/hello:v1";
const IG_EXPORT = new URL("../fixtures/ig-export-signed.tar", import.meta.url).pathname;

/** A file in a tar, as Python's standard library or GNU tar would show it. */
async function listTar(path: string): Promise<string[]> {
  return (await succeed("tar", ["tf", path])).trimEnd().split("\n");
}

async function readFromTar(path: string, entry: string): Promise<Uint8Array> {
  const { stdout } = await new Deno.Command("tar", { args: ["xOf", path, entry], stderr: "null" }).output();
  return stdout;
}

async function indexOf(path: string): Promise<{ digest: string; annotations?: Record<string, string> }[]> {
  return JSON.parse(new TextDecoder().decode(await readFromTar(path, "index.json"))).manifests;
}

async function storeWith(scratch: Scratch, entries: readonly Entry[]): Promise<string> {
  const store = scratch.at(`store-${crypto.randomUUID()}`);
  await writeStore(store, entries);
  return store;
}

/** Exports with `-o json`. */
async function exported(store: string, ...args: string[]) {
  return JSON.parse(await satchelSucceeds(["image", "export", ...args, "-o", "json"], { store }));
}

for (const [runtime, runner] of [["the binary", satchel], ["deno run", satchelByDeno]] as const) {
  Deno.test(`${runtime}: an image of ig's store becomes the archive that ig makes, its list first`, async () => {
    await using scratch = await scratchFolder();
    const store = await unpackIgStore(scratch.path);
    const archive = scratch.at("x.tar");
    const { code, stdout, stderr } = await runner(["image", "export", HELLO, archive], { store });
    assert.deepEqual([code, stderr], [0, ""]);
    const digest = digestOf(await Deno.readFile(archive));
    assert.equal(
      stdout,
      `Successfully exported images to ${archive}\n${digest}  16.4 kB, 1 image, 9 blobs, with 1 signature\n`,
    );
    assert.deepEqual(await readFromTar(archive, "index.json"), await readFromTar(IG_EXPORT, "index.json"));
    const names = await listTar(archive);
    assert.deepEqual(names.toSorted(), (await listTar(IG_EXPORT)).toSorted());
    assert.deepEqual(names.slice(0, 2), ["oci-layout", "index.json"]);
    for (const name of names) assert.deepEqual(await readFromTar(archive, name), await readFromTar(IG_EXPORT, name));
    assert.equal((await Deno.stat(archive)).mode! & 0o777, 0o666 & ~Deno.umask());
    assert.deepEqual(await filesIn(scratch.path), ["oci-store", "x.tar"]);
  });
}

async function filesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

Deno.test("all manifests come before the other blobs, each by digest, as root's read-only files of 1970", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  await satchelSucceeds(["image", "export", HELLO, scratch.at("x.tar")], { store });
  const manifests = (await indexOf(scratch.at("x.tar"))).map(({ digest }) => `blobs/sha256/${digest.slice(7)}`);
  const [, , ...blobs] = await listTar(scratch.at("x.tar"));
  assert.deepEqual(blobs.slice(0, manifests.length), manifests.toSorted());
  assert.deepEqual(blobs.slice(manifests.length), blobs.slice(manifests.length).toSorted());
  const lines = (await succeed("tar", ["tvf", scratch.at("x.tar"), "--utc", "--full-time"])).trimEnd().split("\n");
  for (const line of lines.slice(2)) assert.match(line, /^-r--r--r-- root\/root +\d+ 1970-01-01 00:00:00 blobs\//);
  for (const line of lines.slice(0, 2)) assert.match(line, /^-rw-r--r-- root\/root +\d+ 1970-01-01 00:00:00 /);
});

Deno.test("the same images give the same bytes: in any order, named twice, out of another store", async () => {
  await using scratch = await scratchFolder();
  const images = [makeGadget(), makeGadget(), makeGadget()];
  const names = images.map((_, at) => `example.org/demo/${at}:v1`);
  const entries = images.map((image, at) => ({ image, name: names[at] }));
  const first = await storeWith(scratch, entries);
  const other = await storeWith(scratch, [{ image: makeGadget() }, ...entries.toReversed(), { image: makeGadget() }]);
  const digests = [
    (await exported(first, ...names, scratch.at("a.tar"))).digest,
    (await exported(first, ...names.toReversed(), names[0], scratch.at("b.tar"))).digest,
    (await exported(other, ...names, scratch.at("c.tar"))).digest,
    (await exported(other, "--all", scratch.at("d.tar"))).digest,
    digestOf(await Deno.readFile(scratch.at("c.tar"))),
  ];
  assert.equal(new Set(digests).size, 1);
});

Deno.test("what indexes say of one manifest differently is chosen the same way in any order, and names nothing", async () => {
  await using scratch = await scratchFolder();
  const shared = makeGadget({ seed: "shared", architectures: ["amd64"] });
  const [child] = shared.manifests;
  const indexWith = (annotations: Record<string, string>): Image => {
    const { mediaType, digest, bytes } = child;
    const manifests = [{ mediaType, digest, size: bytes.length, annotations }];
    const text = JSON.stringify({ schemaVersion: 2, mediaType: shared.root.mediaType, manifests });
    const root = { mediaType: shared.root.mediaType, bytes: new TextEncoder().encode(text) };
    const described = { ...root, digest: digestOf(root.bytes) };
    return { root: described, manifests: [child, described], blobs: shared.blobs };
  };
  const names = ["example.org/a:v1", "example.org/b:v1"];
  const hostile = {
    "org.opencontainers.image.ref.name": "example.org/stolen:v1",
    "io.containerd.image.name": "example.org/stolen:v2",
    "io.satchel.image.platforms": "linux/amd64",
  };
  const [a, b] = [indexWith({ note: "first", ...hostile }), indexWith({ note: "second" })];
  const store = await storeWith(scratch, [{ image: a, name: names[0] }, { image: b, name: names[1] }]);
  const one = await exported(store, names[0], names[1], scratch.at("1.tar"));
  const two = await exported(store, names[1], names[0], scratch.at("2.tar"));
  assert.equal(one.digest, two.digest);
  const entry = (await indexOf(scratch.at("1.tar"))).filter(({ digest }) => digest === child.digest);
  assert.deepEqual(entry.map(({ annotations }) => annotations), [{ note: "first" }]);
});

Deno.test("everything that refers to an image comes along, recursively, and is counted by type; not without referrers", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget();
  const sbom = makeReferrer(image.root, { artifactType: "application/spdx+json", payload: "{}" });
  const signed = makeReferrer(sbom.root, { artifactType: "application/vnd.example.signature", payload: "sig" });
  const signature = makeCosignSignature(image.root);
  const name = "example.org/demo/app:v1";
  const store = await storeWith(scratch, [
    { image, name },
    { image: sbom },
    { image: signed },
    { image: signature, name: attachmentTag(image.root.digest, ".sig") },
  ]);
  const { images: [report], blobs } = await exported(store, name, scratch.at("x.tar"));
  assert.deepEqual(report, {
    name,
    digest: image.root.digest,
    referrers: {
      "application/spdx+json": 1,
      "application/vnd.dev.cosign.simplesigning.v1+json": 1,
      "application/vnd.example.signature": 1,
    },
  });
  const listed = new Set((await indexOf(scratch.at("x.tar"))).map(({ digest }) => digest));
  for (const { root } of [image, sbom, signed, signature]) assert.ok(listed.has(root.digest));
  const alone = await exported(store, name, scratch.at("y.tar"), "--referrers=false");
  assert.deepEqual(alone.images[0].referrers, {});
  assert.ok(alone.blobs.count < blobs.count);
  assert.deepEqual(
    (await indexOf(scratch.at("y.tar"))).map(({ digest }) => digest),
    image.manifests.map(({ digest }) => digest).toSorted(),
  );
});

Deno.test("every image that is not there is told, and an archive of that name stays as it is", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  await Deno.writeTextFile(scratch.at("x.tar"), "old");
  const { code, stdout, stderr } = await satchel(["image", "export", "one", HELLO, "two", scratch.at("x.tar")], {
    store,
  });
  assert.deepEqual([code, stdout], [3, ""]);
  assert.deepEqual([...stderr.matchAll(/^Error: exporting images: (\S+) is not in /gm)].map(([, name]) => name), [
    "ghcr.io/inspektor-gadget/gadget/one:latest",
    "ghcr.io/inspektor-gadget/gadget/two:latest",
  ]);
  assert.equal(await Deno.readTextFile(scratch.at("x.tar")), "old");
});

Deno.test("a layer that is missing is told before, one that has other bytes while it is written; neither leaves an archive", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget();
  const name = "example.org/demo/app:v1";
  const store = await storeWith(scratch, [{ image, name }]);
  const { digest, bytes } = image.blobs[image.blobs.length - 1];
  const file = `${store}/blobs/sha256/${digest.slice(7)}`;
  await Deno.mkdir(scratch.at("out"));
  const attempt = () => satchel(["image", "export", name, scratch.at("out/x.tar")], { store });
  await Deno.writeFile(file, bytes.map((byte) => byte ^ 1));
  const damaged = await attempt();
  assert.equal(damaged.code, 5, describe(damaged));
  assert.ok(damaged.stderr.includes(`${digest} has other bytes than its name says`), damaged.stderr);
  await Deno.remove(file);
  const missing = await attempt();
  assert.equal(missing.code, 5, describe(missing));
  assert.ok(missing.stderr.includes(`${name}: it is incomplete: ${digest} is missing`), missing.stderr);
  assert.deepEqual(await filesIn(scratch.at("out")), []);
});

Deno.test("--sparse leaves out other platforms and says so; --platform alone keeps the image whole and says that", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget();
  const name = "example.org/demo/app:v1";
  const store = await storeWith(scratch, [{ image, name }]);
  const whole = await satchelSucceeds(["image", "export", name, scratch.at("w.tar"), "--platform", "linux/arm64"], {
    store,
  });
  assert.match(whole, /^example\.org\/demo\/app:v1 is whole, with linux\/amd64 as well; --sparse leaves that out$/m);
  const all = await exported(store, name, scratch.at("all.tar"));
  assert.equal(digestOf(await Deno.readFile(scratch.at("w.tar"))), all.digest);
  const sparse = await exported(store, name, scratch.at("s.tar"), "--platform", "linux/arm64", "--sparse");
  assert.deepEqual(sparse.images[0].platforms, ["linux/arm64"]);
  assert.ok(sparse.blobs.count < all.blobs.count);
  const root = (await indexOf(scratch.at("s.tar"))).find(({ digest }) => digest === image.root.digest);
  assert.equal(root?.annotations?.["io.satchel.image.platforms"], "linux/arm64");
  const both = await exported(store, name, scratch.at("b.tar"), "--platform", "linux/arm64,linux/amd64", "--sparse");
  assert.equal(both.digest, all.digest);
  const lacking = await satchel(["image", "export", name, scratch.at("l.tar"), "--platform", "linux/s390x"], { store });
  assert.equal(lacking.code, 3);
  assert.match(lacking.stderr, /there is nothing for linux\/s390x in it; it is for linux\/amd64, linux\/arm64/);
});

Deno.test("what an inventory lists is left out, manifests are not; it may be compressed", async () => {
  await using scratch = await scratchFolder();
  const [shared, other] = [makeGadget(), makeGadget()];
  const names = ["example.org/demo/shared:v1", "example.org/demo/other:v1"];
  const near = await storeWith(scratch, [{ image: shared, name: names[0] }, { image: other, name: names[1] }]);
  const far = await storeWith(scratch, [{ image: shared, name: names[0] }, { image: makeGadget() }]);
  const inventory = await satchelSucceeds(["store", "inventory"], { store: far });
  const prefixes = shared.blobs.map(({ digest }) => digest.slice(7, 19)).sort();
  assert.equal(inventory, `${JSON.stringify({ satchel: "inventory", version: 1, sha256: prefixes })}\n`);
  await Deno.writeTextFile(scratch.at("have.json"), inventory);
  const thin = await exported(near, "--all", scratch.at("x.tar"), "--have", scratch.at("have.json"));
  const bytes = shared.blobs.reduce((sum, blob) => sum + blob.bytes.length, 0);
  assert.deepEqual(thin.leftOut, { blobs: shared.blobs.length, bytes });
  const files = (await listTar(scratch.at("x.tar"))).slice(2).map((path) => `sha256:${path.slice(13)}`);
  const expected = [...shared.manifests, ...other.manifests, ...other.blobs].map(({ digest }) => digest);
  assert.deepEqual(files.toSorted(), expected.toSorted());
  await succeed("gzip", ["-n", scratch.at("have.json")]);
  const same = await exported(near, "--all", scratch.at("y.tar"), "--have", scratch.at("have.json.gz"));
  assert.equal(same.digest, thin.digest);
  for (
    const wrong of ["{}", '{"satchel":"inventory","version":2}', '{"satchel":"inventory","version":1,"sha256":["12"]}']
  ) {
    await Deno.writeTextFile(scratch.at("wrong.json"), wrong);
    const outcome = await satchel(
      ["image", "export", "--all", scratch.at("z.tar"), "--have", scratch.at("wrong.json")],
      {
        store: near,
      },
    );
    assert.equal(outcome.code, 1, describe(outcome));
    assert.ok(outcome.stderr.includes(scratch.at("wrong.json")), outcome.stderr);
  }
});

Deno.test("what beforeExport refuses is told for each image, and nothing is written", async () => {
  await using scratch = await scratchFolder();
  const names = ["example.org/demo/a:v1", "example.org/demo/b:v1", "example.org/demo/c:v1"];
  const store = await storeWith(scratch, names.map((name) => ({ image: makeGadget(), name })));
  const plugin = await writeModule(
    scratch,
    "guard",
    `beforeExport({ reference, archive }) {
      return reference.includes("/b:") ? { allow: true } : { allow: false, reason: "not " + archive };
    },`,
  );
  const archive = scratch.at("x.tar");
  const outcome = await satchel(["image", "export", ...names, archive, "--plugin", plugin], { store });
  assert.equal(outcome.code, 5, describe(outcome));
  assert.deepEqual(
    outcome.stderr.trimEnd().split("\n"),
    [names[0], names[2]].map((name) => `Error: exporting images: ${name}: refused by the plugin guard: not ${archive}`),
  );
  await assert.rejects(Deno.stat(archive), Deno.errors.NotFound);
});

Deno.test("arguments that make no sense are errors of usage", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  const cases: [string[], RegExp][] = [
    [[], /requires at least 2 arg\(s\), only received 0/],
    [[HELLO], /requires at least 2 arg\(s\), only received 1/],
    [["--all"], /requires at least 1 arg\(s\), only received 0/],
    [["--all", HELLO, "x.tar"], /--all is instead of names/],
    [[HELLO, "x.tar", "--sparse"], /--platform, which is missing/],
    [[HELLO, "x.tar", "--platform", "linux"], /"linux" is not a platform/],
    [[HELLO, "x.tar", "--volume-size", "4 apples"], /invalid argument "4 apples" for "--volume-size" flag/],
    [[HELLO, "x.tar", "--volume-size", "1kB"], /at least 64KiB/],
    [[HELLO, "-", "--volume-size", "1MB"], /--volume-size is for files/],
    [[HELLO, ""], /name of the archive is empty/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr, stdout } = await satchel(["image", "export", ...args], { store, cwd: scratch.path });
    assert.equal(code, 2, `${args}: ${stderr}`);
    assert.match(stderr, message);
    assert.equal(stdout, "");
  }
  assert.deepEqual(await filesIn(scratch.path), ["oci-store"]);
});

peerTest("skopeo", "skopeo reads an archive, by the names in it", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  await satchelSucceeds(["image", "export", "--all", scratch.at("x.tar")], { store });
  const raw = await skopeo(["inspect", "--raw", `oci-archive:${scratch.at("x.tar")}:${HELLO}`], {
    env: { TMPDIR: scratch.path },
  });
  assert.equal(
    digestOf(new TextEncoder().encode(raw)),
    "sha256:e38971200f97ea6b65a97a258b408dbeb4486a4f8aed52a428073fd13f0dd228",
  );
});

peerTest("oras", "oras copies an image out of an archive, with what refers to it", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget();
  const sbom = makeReferrer(image.root, { artifactType: "application/spdx+json", payload: "{}" });
  const name = "example.org/demo/app:v1";
  const store = await storeWith(scratch, [{ image, name }, { image: sbom }]);
  await satchelSucceeds(["image", "export", name, scratch.at("x.tar")], { store });
  const from = ["--from-oci-layout-path", scratch.at("x.tar"), name];
  await oras(["cp", "--no-tty", "-r", ...from, "--to-oci-layout", `${scratch.at("copy")}:v1`], { cwd: scratch.path });
  for (const { digest, bytes } of [...image.manifests, ...image.blobs, sbom.root, ...sbom.blobs]) {
    assert.deepEqual(await Deno.readFile(scratch.at("copy/blobs/sha256", digest.slice(7))), bytes);
  }
});

Deno.test("what is exported, imported elsewhere and exported again is the same archive: whole, sparse, in volumes", async () => {
  await using scratch = await scratchFolder();
  const images = [makeGadget({ layerSize: 100_000 }), makeGadget()];
  const entries = images.map((image, at) => ({ image, name: `example.org/demo/${at}:v1` }));
  const near = await storeWith(scratch, entries);
  const sparse = ["--platform", "linux/amd64", "--sparse"];
  const cases = [[], sparse, ["--volume-size", "64KiB"]];
  for (const [at, flags] of cases.entries()) {
    const [folder, far] = [scratch.at(`${at}`), scratch.at(`far-${at}`)];
    await Deno.mkdir(folder);
    const first = await exported(near, "--all", `${folder}/x.tar`, ...flags);
    await succeed("sh", ["-c", `cat x.tar${first.volumes ? ".*" : ""} > whole`], { cwd: folder });
    await satchelSucceeds(["image", "import", `${folder}/whole`], { store: far });
    assert.equal((await exported(far, "--all", `${folder}/y.tar`)).digest, first.digest);
  }
});

Deno.test("an archive without what the far side has is imported there, and nowhere else", async () => {
  await using scratch = await scratchFolder();
  const [old, fresh] = [makeGadget(), makeGadget()];
  const entries = [{ image: old, name: "example.org/demo/old:v1" }, { image: fresh, name: "example.org/demo/new:v1" }];
  const near = await storeWith(scratch, entries);
  const far = await storeWith(scratch, entries.slice(0, 1));
  await Deno.writeTextFile(scratch.at("have.json"), await satchelSucceeds(["store", "inventory"], { store: far }));
  await exported(near, "--all", scratch.at("x.tar"), "--have", scratch.at("have.json"));
  await satchelSucceeds(["image", "import", scratch.at("x.tar")], { store: far });
  await satchelSucceeds(["store", "check"], { store: far });
  assert.equal((await exported(far, "--all", scratch.at("y.tar"))).images.length, 2);
  const elsewhere = await satchel(["image", "import", scratch.at("x.tar")], { store: scratch.at("elsewhere") });
  assert.equal(elsewhere.code, 1, describe(elsewhere));
  assert.match(elsewhere.stderr, /example\.org\/demo\/old:v1 lacks/);
  assert.match(elsewhere.stdout, /example\.org\/demo\/new:v1/);
});
