import assert from "node:assert/strict";
import {
  binary,
  type Blob,
  describe,
  digestOf,
  makeGadget,
  peerTest,
  satchel,
  satchelEnvironment,
  type Scratch,
  scratchFolder,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { openTerminal } from "./cli_terminal.ts";
import { catalog, startEnds } from "./copy_ends.ts";
import { reply, startHostileRegistry } from "./hostile_registry.ts";

const scratchOf = (scratch: Scratch) => ({ cwd: scratch.path, store: scratch.at("store") });

const DIGEST = `sha256:${"0".repeat(64)}`;

for (
  const [what, args, code, message] of [
    ["a foreign scheme", ["docker://a/b", "store:"], 2, /is not an end of a copy\nHint: .*store:NAME, archive:FILE/],
    ["one end only", ["a/b"], 2, /accepts 2 arg\(s\), received 1/],
    ["a name that is none", ["store:A B", "store:x"], 2, /parsing image name .*\nHint: An end is /],
    ["a store without a name to copy from", ["store:", "store:x"], 2, /^Error: store: has no name of an image to copy/],
    ["a digest for the other end", ["store:x", `store:y@${DIGEST}`], 2, /has a digest, which follows/],
    ["all tags of one tag", ["store:x:v1", "store:y", "--all-tags"], 2, /x:v1 has a tag already/],
    ["all tags to one tag", ["store:x", "store:y:v1", "--all-tags"], 2, /y:v1 has one already/],
    ["--sparse without --platform", ["store:x", "dir:y", "--sparse"], 2, /--platform, which is missing/],
    ["a platform that is none", ["store:x", "dir:y", "--platform", "arm"], 2, /is not a platform/],
    ["an archive that is not there", ["archive:none.tar", "store:"], 2, /copying from archive:none\.tar: there is no/],
    ["a folder that is a file", ["dir:/etc/passwd", "store:"], 2, /is not a folder\nHint: An archive is archive:/],
    ["an archive in no folder", ["store:x", "archive:none/x.tar"], 1, /there is no folder none/],
    ["an image that the store has not", ["store:x", "archive:x.tar"], 3, /x:latest is not in /],
  ] as const
) {
  Deno.test(`image copy: ${what} is an error that says so, and nothing is written`, async () => {
    await using scratch = await scratchFolder();
    const outcome = await satchel(["image", "copy", ...args], { cwd: scratch.path, store: scratch.at("store") });
    assert.equal(outcome.code, code, describe(outcome));
    assert.match(outcome.stderr, message);
    assert.deepEqual([outcome.stdout, [...Deno.readDirSync(scratch.path)]], ["", []]);
  });
}

Deno.test("image copy: --all-tags of a registry that lists tags without an end is refused before anything moves", async () => {
  await using scratch = await scratchFolder();
  const tags = Array.from({ length: 1000 }, (_, at) => `t${at}`);
  await using registry = await startHostileRegistry(makeGadget(), (_, response, { pathname, searchParams }) => {
    if (!pathname.endsWith("/tags/list")) return false;
    const page = Number(searchParams.get("page") ?? 0);
    const headers = { link: `</v2/a/tags/list?page=${page + 1}>; rel="next"`, "content-type": "application/json" };
    reply(response, 200, headers, JSON.stringify({ tags: tags.map((tag) => `${tag}.${page}`) }));
  });
  const flags = ["--all-tags", "--insecure-registries", registry.host];
  const { code, stderr } = await satchel(
    ["image", "copy", `${registry.host}/a`, "store:b", ...flags],
    scratchOf(scratch),
  );
  assert.equal(code, 1, stderr);
  assert.match(stderr, /\/a lists more than 100000 tags\nHint: Name those to be copied\.$/m);
  assert.ok(registry.received.every(({ url }) => !url.includes("/manifests/")));
});

peerTest(
  "registry",
  "image copy: a tag that is not there is not found, and the other registry is left alone",
  async () => {
    await using ends = await startEnds();
    const { near, far } = ends;
    const outcome = await ends.copy(`${near.host}/team/app:v9`, `${far.host}/mirror/app`);
    assert.equal(outcome.code, 3, describe(outcome));
    assert.match(outcome.stderr, /^Error: copying \S+\/team\/app:v9 to \S+\/mirror\/app:v9: /m);
    assert.deepEqual(await catalog(far), []);
    const none = await ends.copy(`${near.host}/team/none`, `${far.host}/mirror/none`, "--all-tags");
    assert.equal(none.code, 3, describe(none));
  },
);

Deno.test("image copy: a file that was meant is told of where a registry was asked, and a dry run copies nothing", async () => {
  await using scratch = await scratchFolder();
  await Deno.writeTextFile(scratch.at("127.0.0.1"), "");
  const { code, stderr } = await satchel(
    ["image", "copy", "127.0.0.1:1/a.tar", "store:x", "--dry-run"],
    scratchOf(scratch),
  );
  assert.equal(code, 1);
  assert.doesNotMatch(stderr, /Copying|is a file here/);
  await Deno.mkdir(scratch.at("127.0.0.1:1"));
  await Deno.writeTextFile(scratch.at("127.0.0.1:1", "a.tar"), "");
  const told = await satchel(["image", "copy", "127.0.0.1:1/a.tar", "store:x"], scratchOf(scratch));
  assert.match(
    told.stderr,
    /^Copying .*\nError: .*\nHint: 127\.0\.0\.1:1\/a\.tar is a file here: archive:127\.0\.0\.1:1\/a\.tar$/m,
  );
});

peerTest(
  "registry",
  "image copy: of several images in an archive one has to be named, and which there are is told",
  async () => {
    await using ends = await startEnds();
    const { near, name } = ends;
    await ends.copy(name, "dir:layout");
    await ends.copy(name, `dir:layout#${near.host}/team/app:v2`);
    const unclear = await ends.copy("dir:layout", "store:");
    assert.equal(unclear.code, 2, describe(unclear));
    assert.match(unclear.stderr, /there are 2 images in layout\nHint: .*#NAME: \S+team\/app:v1, \S+team\/app:v2\./);
    const unknown = await ends.copy("dir:layout#v9", "store:");
    assert.equal(unknown.code, 3, describe(unknown));
    assert.match(unknown.stderr, /nothing in layout is called "v9"/);
  },
);

Deno.test("image copy: an archive is not written to a terminal", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  await writeStore(store, [{ image: makeGadget(), name: "example.org/app:v1" }]);
  const command = `${await binary()} image copy store:example.org/app:v1 archive:-`;
  await using terminal = openTerminal(command, satchelEnvironment(store, scratch.path));
  assert.equal(await terminal.status, 2);
  assert.match(terminal.output, /An archive is not written to a terminal/);
});

Deno.test("image copy: of images that say two sizes of one layer no archive is written", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const image = makeGadget({ architectures: ["amd64"] });
  const [manifest] = image.manifests;
  const json = JSON.parse(new TextDecoder().decode(manifest.bytes));
  json.layers[0].size++;
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  const other: Blob = { ...manifest, digest: digestOf(bytes), bytes };
  await writeStore(store, [
    { image, name: "example.org/app:v1" },
    { image: { root: other, manifests: [other], blobs: [] }, name: "example.org/app:v2" },
  ]);
  const outcome = await satchel(["image", "copy", "store:example.org/app", "archive:x.tar", "--all-tags"], {
    store,
    cwd: scratch.path,
  });
  assert.equal(outcome.code, 1, describe(outcome));
  assert.match(outcome.stderr, /app:v\d: .*sha256:[0-9a-f]{64} is said to have \d+ bytes, and elsewhere \d+$/m);
  assert.deepEqual(Array.from(Deno.readDirSync(scratch.path), ({ name }) => name), ["store"]);
});
