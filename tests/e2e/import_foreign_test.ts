import assert from "node:assert/strict";
import {
  crane,
  describe,
  type Image,
  makeGadget,
  makeReferrer,
  oras,
  type Outcome,
  peerTest,
  pushImage,
  ROOT,
  satchel,
  type Scratch,
  scratchFolder,
  skopeo,
  startReferrersRegistry,
  startRegistry,
  succeed,
} from "../harness/mod.ts";
import {
  blobAt,
  exists,
  FULL,
  gadgetArchive,
  importInto,
  listed,
  pack,
  storedNames,
  writeLayout,
} from "./import_archives.ts";

// What others write, with what `ig image import` makes of it, row for row, where satchel does better.

const IG_ARCHIVE = `${ROOT}/tests/fixtures/ig-export-signed.tar`;
const IG_NAME = "127.0.0.1:5001/fixture/hello:v1";
const IG_DIGEST = "sha256:e38971200f97ea6b65a97a258b408dbeb4486a4f8aed52a428073fd13f0dd228";

function succeeded(outcome: Outcome, ...names: string[]) {
  const lines = names.map((name) => `  ${name}\n`).join("");
  assert.deepEqual(
    [outcome.code, outcome.stdout.replace(/^With them: .*\n$/m, ""), outcome.stderr],
    [0, `Successfully imported images:\n${lines}`, ""],
    describe(outcome),
  );
}

/** Nothing was imported, and there is not even a store. */
function failed(scratch: Scratch, outcome: Outcome, code: number, message: RegExp) {
  assert.deepEqual([outcome.code, outcome.stdout], [code, ""], describe(outcome));
  assert.match(outcome.stderr, message);
  assert.ok(!exists(scratch.at("store", "index.json")), "there is a store");
}

Deno.test("ig export: works, with its signature", async () => {
  await using scratch = await scratchFolder();
  const outcome = await importInto(scratch, IG_ARCHIVE);
  succeeded(outcome, IG_NAME);
  assert.match(outcome.stdout, /\nWith them: 1 signature\n$/);
  assert.deepEqual(await listed(scratch), { [IG_NAME]: IG_DIGEST });
  assert.deepEqual(await storedNames(scratch), [IG_NAME, `${IG_DIGEST.replace(":", "-")}.sig`]);
  const check = await satchel(["store", "check", "-o", "json"], { store: scratch.at("store") });
  const { damage, garbage } = JSON.parse(check.stdout);
  assert.deepEqual([damage, garbage], [[], []]);
});

/** A registry with an image under `demo/gadget:v1`. */
async function published(image: Image = makeGadget()) {
  const registry = await startRegistry();
  await pushImage(registry, "demo/gadget", "v1", image);
  return { registry, image, name: `${registry.host}/demo/gadget:v1` };
}

for (const dots of [false, true]) {
  peerTest(
    ["registry", "oras"],
    `oras cp --to-oci-layout, packed ${dots ? "with" : "without"} ./: wants a repository for its tag`,
    async () => {
      await using scratch = await scratchFolder();
      const { registry, image, name } = await published();
      await using _registry = registry;
      await oras(["cp", "--from-plain-http", "--to-oci-layout", name, `${scratch.at("dir")}:v1`]);
      const path = scratch.at("x.tar");
      const members = dots ? ["."] : ["blobs", "index.json", "oci-layout"];
      await succeed("tar", ["-cf", path, "-C", scratch.at("dir"), ...members]);
      const outcome = await importInto(scratch, path);
      failed(
        scratch,
        outcome,
        1,
        /^Error: importing images: "v1" in \S+ is not a full name of an image\nHint: .*--name REPO/,
      );
      succeeded(await importInto(scratch, path, "--name", "example.org/a/b"), FULL);
      assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
    },
  );
}

peerTest(["registry", "oras"], "oras cp --to-oci-layout-path with a full name: works", async () => {
  await using scratch = await scratchFolder();
  const { registry, image, name } = await published();
  await using _registry = registry;
  await oras(["cp", "--from-plain-http", "--to-oci-layout-path", scratch.at("dir"), name, FULL]);
  succeeded(await importInto(scratch, await pack(scratch, scratch.at("dir"))), FULL);
  assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
});

peerTest(["referrers-registry", "oras"], "oras cp -r of an image with a referrer: it comes along", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startReferrersRegistry();
  const image = makeGadget();
  await pushImage(registry, "demo/gadget", "v1", image);
  const name = `${registry.host}/demo/gadget:v1`;
  const sbom = makeReferrer(image.root, { artifactType: "application/example.sbom", payload: "a list" });
  await pushImage(registry, "demo/gadget", undefined, sbom);
  await oras(["cp", "-r", "--from-plain-http", "--to-oci-layout", name, `${scratch.at("dir")}:v1`]);
  const outcome = await importInto(scratch, scratch.at("dir"), "--name", "example.org/a/b", "-o", "json");
  assert.equal(outcome.code, 0, describe(outcome));
  assert.deepEqual(JSON.parse(outcome.stdout)[0].referrers, { "application/example.sbom": 1 });
});

peerTest(["registry", "oras"], "oras backup -o x.tar: wants a repository for its tag", async () => {
  await using scratch = await scratchFolder();
  const { registry, image, name } = await published();
  await using _registry = registry;
  await oras(["backup", "--plain-http", "-o", scratch.at("x.tar"), name]);
  failed(scratch, await importInto(scratch, "x.tar"), 1, /"v1" in x\.tar is not a full name/);
  succeeded(await importInto(scratch, "x.tar", "--tag", `v1=${FULL}`), FULL);
  assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
});

peerTest(
  ["registry", "skopeo"],
  "skopeo oci-archive: without a name, with a bare one, a short one, a full one",
  async () => {
    await using scratch = await scratchFolder();
    const { registry, name } = await published(makeGadget({ architectures: ["amd64"] }));
    await using _registry = registry;
    const save = async (suffix: string) => {
      const file = `x${suffix.replaceAll(/\W/g, "-")}.tar`;
      await skopeo([
        "copy",
        "-q",
        "--all",
        "--src-tls-verify=false",
        `docker://${name}`,
        `oci-archive:${scratch.at(file)}${suffix}`,
      ]);
      return file;
    };
    const none = await save("");
    failed(
      scratch,
      await importInto(scratch, none),
      1,
      /^Error: importing images: sha256:\w{64} in \S+ has no name\nHint: .*--name/,
    );
    succeeded(await importInto(scratch, none, "--name", "example.org/none"), "example.org/none:latest");
    const bare = await save(":v1");
    assert.equal((await importInto(scratch, bare)).code, 1);
    succeeded(await importInto(scratch, bare, "--name", "example.org/bare"), "example.org/bare:v1");
    const short = await save(":foo:v1");
    const outcome = await importInto(scratch, short);
    assert.equal(outcome.code, 1);
    assert.match(outcome.stderr, /"foo:v1" in \S+ is not a full name of an image\nHint: .*--tag foo:v1=/);
    succeeded(await importInto(scratch, short, "--tag", "foo:v1=example.org/short:1"), "example.org/short:1");
    succeeded(await importInto(scratch, await save(":docker.io/library/foo:v1")), "docker.io/library/foo:v1");
  },
);

peerTest(
  ["registry", "crane"],
  "crane pull --format=oci: a folder without names, and with --annotate-ref",
  async () => {
    await using scratch = await scratchFolder();
    const { registry, image, name } = await published();
    await using _registry = registry;
    await crane(["pull", "--insecure", "--format=oci", name, scratch.at("dir")]);
    failed(scratch, await importInto(scratch, "dir"), 1, /has no name\nHint: /);
    succeeded(await importInto(scratch, await pack(scratch, scratch.at("dir")), "--name", FULL), FULL);
    assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
    await crane(["pull", "--insecure", "--format=oci", "--annotate-ref", name, scratch.at("named")]);
    succeeded(await importInto(scratch, "named"), name);
  },
);

/** A layout whose one entry has these annotations. */
async function annotated(scratch: Scratch, annotations: Record<string, string>) {
  const image = makeGadget();
  const folder = await writeLayout(scratch, [{ image }]);
  const index = JSON.parse(await Deno.readTextFile(`${folder}/index.json`));
  index.manifests[0].annotations = annotations;
  await Deno.writeTextFile(`${folder}/index.json`, JSON.stringify(index));
  return { image, path: await pack(scratch, folder) };
}

Deno.test("regctl image export, which has a bare tag and containerd's full name: works", async () => {
  await using scratch = await scratchFolder();
  const { image, path } = await annotated(scratch, {
    "io.containerd.image.name": FULL,
    "org.opencontainers.image.ref.name": "v1",
  });
  succeeded(await importInto(scratch, path), FULL);
  assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
});

Deno.test("containerd's name alone: works", async () => {
  await using scratch = await scratchFolder();
  const { path } = await annotated(scratch, { "io.containerd.image.name": FULL });
  succeeded(await importInto(scratch, path), FULL);
});

/** A container image as docker would make it, with gzipped layers, in a registry. */
async function dockerImage(scratch: Scratch) {
  const registry = await startRegistry();
  await Deno.mkdir(scratch.at("root"));
  await Deno.writeTextFile(scratch.at("root", "hello"), "hello");
  await succeed("tar", ["-czf", scratch.at("layer.tar.gz"), "-C", scratch.at("root"), "hello"]);
  const name = `${registry.host}/demo/image:v1`;
  await crane(["append", "--insecure", "-f", scratch.at("layer.tar.gz"), "-t", name]);
  return { registry, name };
}

peerTest(
  ["registry", "crane"],
  "crane pull, an archive as docker save wrote it: has the digest that crane push gives it",
  async () => {
    await using scratch = await scratchFolder();
    const { registry, name } = await dockerImage(scratch);
    await using _registry = registry;
    await crane(["pull", "--insecure", name, scratch.at("x.tar")]);
    await crane(["push", "--insecure", scratch.at("x.tar"), `${registry.host}/demo/back:v1`]);
    const type = { accept: "application/vnd.docker.distribution.manifest.v2+json" };
    const pushed = await registry.fetch("/v2/demo/back/manifests/v1", { headers: type });
    await pushed.body?.cancel();
    succeeded(await importInto(scratch, "x.tar"), name);
    assert.deepEqual(await listed(scratch), { [name]: pushed.headers.get("docker-content-digest") });
  },
);

peerTest(["registry", "crane", "skopeo"], "skopeo docker-archive, with links to its layers: works", async () => {
  await using scratch = await scratchFolder();
  const { registry, name } = await dockerImage(scratch);
  await using _registry = registry;
  await skopeo([
    "copy",
    "-q",
    "--src-tls-verify=false",
    `docker://${name}`,
    `docker-archive:${scratch.at("x.tar")}:foo:v1`,
  ]);
  const { code, stdout } = await importInto(scratch, "x.tar");
  assert.deepEqual([code, stdout], [0, "Successfully imported images:\n  docker.io/library/foo:v1\n"]);
  const check = await satchel(["store", "check"], { store: scratch.at("store") });
  assert.equal(check.code, 0, describe(check));
});

const NOT_ARCHIVES: [string, (scratch: Scratch) => Promise<string>, number, RegExp][] = [
  [
    "an empty file",
    async (scratch) => {
      await Deno.writeTextFile(scratch.at("x"), "");
      return "x";
    },
    5,
    /^Error: importing images: x is /,
  ],
  [
    "a small text",
    async (scratch) => {
      await Deno.writeTextFile(scratch.at("x"), "hello\n");
      return "x";
    },
    5,
    /^Error: importing images: .*\bx\b/,
  ],
  [
    "a folder that is no layout",
    async (scratch) => {
      await Deno.mkdir(scratch.at("x"));
      return "x";
    },
    5,
    /^Error: importing images: x is no archive of images/,
  ],
  ["a file that does not exist", async () => "nothing", 2, /^Error: importing images: .*nothing/],
];

for (const [what, make, code, message] of NOT_ARCHIVES) {
  Deno.test(`${what}: an error, and no store`, async () => {
    await using scratch = await scratchFolder();
    failed(scratch, await importInto(scratch, await make(scratch)), code, message);
  });
}

/** What is done to a layout before it is packed, or to the archive. */
interface Breakage {
  folder?: (folder: string, image: Image) => void;
  archive?: (path: string, size: number) => void;
}

const BREAKAGES: [string, Breakage, number, RegExp][] = [
  ["cut at a border", { archive: (path) => Deno.truncateSync(path, 1024) }, 5, /x\.tar/],
  ["cut in the middle", { archive: (path, size) => Deno.truncateSync(path, Math.floor(size / 2) + 100) }, 5, /x\.tar/],
  ["no index.json", { folder: (folder) => Deno.removeSync(`${folder}/index.json`) }, 5, /no index\.json/],
  ["no oci-layout", { folder: (folder) => Deno.removeSync(`${folder}/oci-layout`) }, 5, /no oci-layout/],
  [
    "an index.json that is a link",
    {
      folder: (folder) => {
        Deno.renameSync(`${folder}/index.json`, `${folder}/real`);
        Deno.symlinkSync("real", `${folder}/index.json`);
      },
    },
    5,
    /index\.json/,
  ],
  [
    "an index.json that is no JSON",
    {
      folder: (folder) => Deno.writeTextFileSync(`${folder}/index.json`, "{oops"),
    },
    5,
    /index\.json of x\.tar is not JSON/,
  ],
  [
    "an unknown version",
    {
      folder: (folder) => Deno.writeTextFileSync(`${folder}/oci-layout`, '{"imageLayoutVersion":"2.0.0"}'),
    },
    5,
    /oci-layout of x\.tar has version "2\.0\.0"; known is 1\.0\.0/,
  ],
  [
    "an empty list",
    {
      folder: (folder) => Deno.writeTextFileSync(`${folder}/index.json`, '{"schemaVersion":2,"manifests":[]}'),
    },
    1,
    /there is no image in x\.tar/,
  ],
];

for (const [what, { folder: change, archive }, code, message] of BREAKAGES) {
  Deno.test(`${what}: an error, and no store`, async () => {
    await using scratch = await scratchFolder();
    const { folder, image } = await gadgetArchive(scratch);
    change?.(folder, image);
    const path = await pack(scratch, folder);
    archive?.(path, Deno.statSync(path).size);
    failed(scratch, await importInto(scratch, "x.tar"), code, message);
  });
}

const DAMAGE: [string, (folder: string, image: Image) => void, number, (digest: string) => RegExp][] = [
  [
    "a layer that is missing",
    (folder, { blobs }) => Deno.removeSync(blobAt(folder, blobs[1].digest)),
    1,
    (digest) => new RegExp(`^Error: importing images: ${FULL} lacks 1 blob \\(1000 bytes\\): ${digest}\\n`),
  ],
  [
    "a layer with wrong bytes",
    (folder, { blobs }) => Deno.writeFileSync(blobAt(folder, blobs[1].digest), new Uint8Array(1000)),
    5,
    (digest) => new RegExp(`^Error: importing images: ${FULL}: ${digest} has other bytes than its name says`),
  ],
  [
    "a layer that is too short",
    (folder, { blobs }) => Deno.truncateSync(blobAt(folder, blobs[1].digest), 10),
    5,
    (digest) => new RegExp(`^Error: importing images: ${FULL}: ${digest} `),
  ],
];

for (const [what, damage, code, message] of DAMAGE) {
  Deno.test(`${what}: an error that names it; another image of the archive is imported`, async () => {
    await using scratch = await scratchFolder();
    const [image, other] = [makeGadget(), makeGadget()];
    const folder = await writeLayout(scratch, [{ image, name: FULL }, { image: other, name: "example.org/c:v1" }]);
    damage(folder, image);
    const outcome = await importInto(scratch, await pack(scratch, folder));
    assert.deepEqual([outcome.code, outcome.stdout], [code, "Successfully imported images:\n  example.org/c:v1\n"]);
    assert.match(outcome.stderr, message(image.blobs[1].digest));
    assert.deepEqual(await listed(scratch), { "example.org/c:v1": other.root.digest });
  });
}

Deno.test("all entries below a folder: works", async () => {
  await using scratch = await scratchFolder();
  const { image } = await gadgetArchive(scratch);
  await succeed("tar", ["-cf", scratch.at("y.tar"), "-C", scratch.path, "layout"]);
  succeeded(await importInto(scratch, "y.tar"), FULL);
  assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
});

Deno.test("only the top index is listed: works", async () => {
  await using scratch = await scratchFolder();
  const { folder, image } = await gadgetArchive(scratch);
  const index = JSON.parse(await Deno.readTextFile(`${folder}/index.json`));
  index.manifests.splice(1);
  await Deno.writeTextFile(`${folder}/index.json`, JSON.stringify(index));
  succeeded(await importInto(scratch, await pack(scratch, folder)), FULL);
  assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
});

Deno.test("a single manifest with a short name: wants a full one", async () => {
  await using scratch = await scratchFolder();
  const { image: { manifests: [manifest], blobs } } = await gadgetArchive(scratch);
  const single: Image = { root: manifest, manifests: [manifest], blobs };
  const { path } = await gadgetArchive(scratch, "foo:v1", single);
  failed(scratch, await importInto(scratch, path), 1, /"foo:v1" in \S+ is not a full name/);
  succeeded(await importInto(scratch, path, "--tag", `foo:v1=${FULL}`), FULL);
});
