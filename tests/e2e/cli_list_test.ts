import assert from "node:assert/strict";
import {
  attachmentTag,
  makeCosignSignature,
  makeGadget,
  satchel,
  satchelByDeno,
  scratchFolder,
} from "../harness/mod.ts";
import { unpackIgStore, writeStore } from "./cli_stores.ts";

const HELLO = "sha256:e38971200f97ea6b65a97a258b408dbeb4486a4f8aed52a428073fd13f0dd228";
const OTHER = "sha256:95753d38933fe600a9d1a4b322fc921c29ef6df686f1c3e4bffaedb812d70d8a";

Deno.test("list shows what ig put into its store, aligned, with short digests and ages, also in a pipe", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  const { code, stdout, stderr } = await satchel(["image", "list"], { store });
  assert.match(
    stdout,
    new RegExp(`^REPOSITORY                     TAG      DIGEST         CREATED
127.0.0.1:5001/fixture/hello   v1       e38971200f97   \\d+ years ago
127.0.0.1:5001/fixture/other   v2       95753d38933f   \\d+ years ago
hello                          latest   e38971200f97   \\d+ years ago
$`),
  );
  assert.deepEqual([code, stderr], [0, ""]);
});

Deno.test("list from the sources by deno run prints what the binary prints", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  for (const line of [["image", "list", "--all"], ["image", "list", "-o", "yaml"]]) {
    assert.equal((await satchelByDeno(line, { store })).stdout, (await satchel(line, { store })).stdout);
  }
});

Deno.test("list --no-trunc shows full digests and times", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  const { stdout } = await satchel(["image", "ls", "--no-trunc"], { store });
  assert.deepEqual(stdout.split("\n").map((line) => line.split(/ {3,}/)), [
    ["REPOSITORY", "TAG", "DIGEST", "CREATED"],
    ["127.0.0.1:5001/fixture/hello", "v1", HELLO, "2024-05-06T07:08:09Z"],
    ["127.0.0.1:5001/fixture/other", "v2", OTHER, "2024-05-06T07:08:09Z"],
    ["hello", "latest", HELLO, "2024-05-06T07:08:09Z"],
    [""],
  ]);
});

Deno.test("list --all shows signatures too, and what each entry is", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  const { stdout } = await satchel(["image", "list", "--all"], { store });
  const lines = stdout.trimEnd().split("\n").map((line) => line.split(/ {3,}/));
  assert.deepEqual(lines.map((line) => line.at(-1)), ["KIND", "image", "image", "image", "attachment"]);
  assert.deepEqual(lines[4].slice(0, 2), ["<none>", "sha256-e38971200f97….sig"]);
});

Deno.test("list -o json has the keys of ig and more, full digests and sizes in bytes", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  const { stdout } = await satchel(["image", "list", "-o", "json"], { store });
  assert.ok(stdout.endsWith("]\n") && !stdout.slice(0, -1).includes("\n"));
  const [hello, , official] = JSON.parse(stdout);
  assert.deepEqual(hello, {
    Repository: "127.0.0.1:5001/fixture/hello",
    Tag: "v1",
    Digest: HELLO,
    Created: "2024-05-06T07:08:09Z",
    Size: 3845,
    Platforms: ["linux/amd64", "linux/arm64"],
    MediaType: "application/vnd.oci.image.index.v1+json",
    ArtifactType: "application/vnd.gadget.v1+binary",
    Kind: "image",
    Subject: "",
    State: "ok",
    LeftOut: [],
  });
  assert.deepEqual([official.Repository, official.Tag], ["hello", "latest"]);
  const signature = JSON.parse((await satchel(["image", "list", "-a", "-ojson"], { store })).stdout).at(-1);
  assert.deepEqual([signature.Kind, signature.Subject], ["attachment", HELLO]);
});

Deno.test("list -o jsonpretty and yaml say the same as json", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  const [json, pretty, yaml] = await Promise.all(
    ["json", "jsonpretty", "yaml"].map((mode) => satchel(["image", "list", "-o", mode], { store })),
  );
  assert.equal(pretty.stdout, `${JSON.stringify(JSON.parse(json.stdout), undefined, 2)}\n`);
  const { parse } = await import("yaml");
  assert.deepEqual(parse(yaml.stdout), JSON.parse(json.stdout));
});

Deno.test("an empty store is an empty list, and stays unmade", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  assert.equal((await satchel(["image", "list"], { store })).stdout, "REPOSITORY   TAG   DIGEST   CREATED\n");
  assert.equal((await satchel(["image", "list", "-o", "json"], { store })).stdout, "[]\n");
  await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
});

for (
  const [filter, tags] of [
    [["127.0.0.1:5001/fixture/hello"], ["v1"]],
    [["hello:latest"], ["latest"]],
    [["hello:v9"], []],
    [["hello", "127.0.0.1:5001/fixture/other"], ["v2", "latest"]],
    [[`127.0.0.1:5001/fixture/hello@${HELLO}`], ["v1"]],
    [[`127.0.0.1:5001/fixture/hello@${OTHER}`], []],
  ] as const
) {
  Deno.test(`list ${filter.join(" ")} shows ${tags.length} of three`, async () => {
    await using scratch = await scratchFolder();
    const store = await unpackIgStore(scratch.path);
    const { code, stdout } = await satchel(["image", "list", ...filter, "-o", "json"], { store });
    assert.deepEqual(JSON.parse(stdout).map(({ Tag }: { Tag: string }) => Tag), tags);
    assert.equal(code, 0);
  });
}

Deno.test("ages are worded by how long ago, and what does not say or lies ahead is no trouble", async () => {
  await using scratch = await scratchFolder();
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
  const gadgets: [string, string][] = [
    ["half-an-hour", ago(30 * 60 + 5)],
    ["a-minute", ago(70)],
    ["an-hour", ago(3700)],
    ["two-days", ago(2 * 86_400 + 100)],
    ["ahead", ago(-3 * 86_400 - 100)],
    ["no-date", "yesterday\x1b[31m"],
    ["empty", ""],
  ];
  await writeStore(
    scratch.at("store"),
    gadgets.map(([name, created]) => ({ name: `example.com/${name}:v1`, image: makeGadget({ created }) })),
  );
  const { stdout } = await satchel(["image", "list"], { store: scratch.at("store") });
  const rows = stdout.trimEnd().split("\n").slice(1).map((line) => line.split(/ {3,}/));
  assert.deepEqual(
    Object.fromEntries(rows.map(([name, , , created]) => [name.slice("example.com/".length), created])),
    {
      "a-minute": "About a minute ago",
      "ahead": "in 3 days",
      "an-hour": "About an hour ago",
      "empty": "N/A",
      "half-an-hour": "30 minutes ago",
      "no-date": "N/A",
      "two-days": "2 days ago",
    },
  );
  const full = await satchel(["image", "list", "--no-trunc"], { store: scratch.at("store") });
  assert.match(full.stdout, /yesterday\\x1b\[31m\n/);
});

Deno.test("names that another tool wrote are shown, and cannot act on a terminal", async () => {
  await using scratch = await scratchFolder();
  const signed = makeGadget();
  await writeStore(scratch.at("store"), [
    { name: "v1\x1b[2J\u202e", image: makeGadget() },
    { name: "example.com/a:v1", image: signed },
    { name: attachmentTag(signed.root.digest, ".sig"), image: makeCosignSignature(signed.root) },
    { image: makeGadget() },
  ]);
  for (const mode of ["columns", "json", "yaml"]) {
    const { stdout, stderr } = await satchel(["image", "list", "--all", "-o", mode], { store: scratch.at("store") });
    assert.doesNotMatch(stdout.replaceAll("\n", ""), /\p{Cc}/u, mode);
    assert.equal(stderr, "");
  }
  const { stdout } = await satchel(["image", "list", "--all"], { store: scratch.at("store") });
  assert.match(stdout, /^<none> +v1\\x1b\[2J\\u202e +/m);
  assert.deepEqual(stdout.trimEnd().split("\n").map((line) => line.split(/ {3,}/).at(-1)), [
    "KIND",
    "image",
    "image",
    "attachment",
    "untagged",
  ]);
});

Deno.test("an image whose manifest is gone is listed, with a warning on stderr", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget();
  await writeStore(scratch.at("store"), [{ name: "example.com/a:v1", image }]);
  await Deno.remove(scratch.at("store", "blobs/sha256", image.root.digest.slice(7)));
  const { code, stdout, stderr } = await satchel(["image", "list"], { store: scratch.at("store") });
  assert.match(stdout, /^example\.com\/a +v1 +/m);
  assert.deepEqual([code, stderr], [
    0,
    "Warning: example.com/a:v1 cannot be used: a manifest of it is missing\n",
  ]);
});

Deno.test("a text of megabytes in one image neither widens the table nor floods what programs read", async () => {
  await using scratch = await scratchFolder();
  const entries = ["a", "b", "c"].map((name) => ({ name: `example.com/${name}:v1`, image: makeGadget() }));
  const hostile = { name: "example.com/x:v1", image: makeGadget({ created: "2".repeat(2_000_000) }) };
  await writeStore(scratch.at("store"), [...entries, hostile]);
  for (const args of [["--no-trunc"], ["-o", "json"], ["-o", "yaml"]]) {
    const { code, stdout } = await satchel(["image", "list", ...args], { store: scratch.at("store") });
    assert.ok(code === 0 && stdout.includes("example.com/x") && stdout.length < 5000, `${args}: ${stdout.length}`);
  }
});

Deno.test("a name with a line feed forges no line, neither as an error nor as a warning", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store\nError: forged");
  const image = makeGadget();
  await writeStore(store, [{ name: "example.com/a:v1\nError: forged", image }]);
  await Deno.remove(`${store}/blobs/sha256/${image.root.digest.slice(7)}`);
  const { code, stderr } = await satchel(["image", "list", "--verbose"], { store });
  assert.equal(code, 0);
  assert.match(
    stderr,
    /^Using the store \S+store\\nError: forged\nWarning: \S+v1\\nError: forged cannot be used: .*\n$/,
  );
});
