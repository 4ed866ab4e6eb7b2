import { strict as assert } from "node:assert";
import { openSync } from "node:fs";
import { concatBytes } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import { Digester, digestOf } from "../../oci/mod.ts";
import { entryBytes, longNameEntry, paxEntry, setChecksum, tarOf, type TestEntry, textOf } from "../_testing_tar.ts";
import { fileAccess } from "../bytes/random_access.ts";
import { memoryAccess } from "../bytes/spool.ts";
import { openTar } from "./files.ts";

const LAYOUT: TestEntry = { path: "oci-layout", content: "{}" };

async function open(tar: Uint8Array | TestEntry[], warnings: string[] = []) {
  const bytes = tar instanceof Uint8Array ? tar : tarOf(tar);
  return await openTar(memoryAccess(bytes), "x.tar", { onWarning: (each) => warnings.push(each) });
}

function pathsOf(files: Awaited<ReturnType<typeof open>>): string[] {
  return [...files.list()].map(({ path }) => path);
}

async function refuses(tar: Uint8Array | TestEntry[], message: RegExp): Promise<void> {
  await assert.rejects(open(tar), (error) => {
    assert(error instanceof SatchelError, String(error));
    assert.equal(error.code, "invalid");
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("entries are found by their cleaned paths, in the order of the tar, folders passed over", async () => {
  using files = await open([
    { path: "./", type: "5" },
    { path: "./index.json", content: "one" },
    { path: "blobs/sha256/", type: "5" },
    { path: "blobs//sha256/./aa", content: "x".repeat(1000) },
    { path: "old-folder/" },
  ]);
  assert.deepEqual(pathsOf(files), ["index.json", "blobs/sha256/aa"]);
  assert.equal(await textOf(files.get("index.json")), "one");
  assert.equal(await textOf(files.get("blobs/sha256/aa")), "x".repeat(1000));
  assert.equal(files.get("./index.json"), undefined);
  const chunks: string[] = [];
  for await (const chunk of files.get("index.json")!.open(2)) chunks.push(new TextDecoder().decode(chunk));
  assert.deepEqual(chunks, ["e"]);
});

Deno.test("long paths and sizes are read as ustar, pax and GNU tar write them", async () => {
  const long = `${"d".repeat(120)}/ä`;
  using files = await open([
    { path: "name", prefix: "prefix", content: "1" },
    { path: "name", prefix: "\x0101234567", magic: "ustar  \0", content: "2" },
    { path: "v7", magic: undefined, type: "\0", content: "3" },
    longNameEntry(`gnu-${long}`),
    { path: "cut", content: "4" },
    paxEntry({ comment: "0123456789abcdef", mtime: "1.5" }, "g"),
    paxEntry({ path: `pax-${long}`, size: "1", mtime: "1.5" }),
    { path: "cut", content: "5", size: "00000000001\0" },
    { path: "plain", size: "          1 ", content: "6" },
    { path: "binary", size: new Uint8Array([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), content: "7" },
  ]);
  const expected = ["prefix/name", "name", "v7", `gnu-${long}`, `pax-${long}`, "plain", "binary"];
  assert.deepEqual(pathsOf(files), expected);
  for (const [at, path] of expected.entries()) assert.equal(await textOf(files.get(path)), String(at + 1));
});

Deno.test("a size that cannot be is refused, and the entry named", async () => {
  const binary = (...last: number[]) => new Uint8Array([0x80, ...new Array(11 - last.length).fill(0), ...last]);
  const sizes: [string | Uint8Array, RegExp][] = [
    ["-0000000001\0", /"blob" in x\.tar has a size that cannot be: -0000000001/],
    ["0000000009\0\0", /"blob" .*: 0000000009/],
    ["12 34       ", /"blob" .*: 12 34/],
    ["\0\0\0\0\0\0\0\0\0\0\0\0", /"blob" .*: none/],
    [new Uint8Array(12).fill(0xff), /"blob" .*: -1/],
    [binary(0x20, 0, 0, 0, 0, 0, 0), /"blob" .*: 9007199254740992/],
    [binary(0x7c, 0xe6, 0x6c, 0x50, 0xe2, 0x84, 0, 0), /"blob" .*: 9000000000000000000/],
    [new Uint8Array([0xbf, ...new Array(11).fill(0xff)]), /"blob" .*: 19807040628566084398385987583/],
  ];
  for (const [size, message] of sizes) await refuses([LAYOUT, { path: "blob", size }], message);
  for (const size of ["-1", "9000000000000000000", "1e3", "0x10", "", " 1"]) {
    await refuses([paxEntry({ size }), { path: "blob" }], /has a size that cannot be/);
  }
});

Deno.test("a size that leads behind the end is an end in the middle of that entry", async () => {
  await refuses([{ path: "blob", size: "77777777777\0" }], /^x\.tar ends in the middle of "blob"$/);
  await refuses([paxEntry({ size: "9007199254740991" }), { path: "blob" }], /^x\.tar ends in the middle of "blob"$/);
});

Deno.test("a tar may end at the border of an entry, but nowhere else", async () => {
  const one = entryBytes(LAYOUT);
  const pax = entryBytes(paxEntry({ path: "blob" }));
  const two = entryBytes({ path: "blob", content: "x".repeat(600) });
  const whole = new Uint8Array([...one, ...pax, ...two]);
  const borders = [0, one.length, whole.length - (1024 - 600), whole.length];
  for (let end = 0; end <= whole.length; end += 4) {
    const cut = whole.slice(0, end);
    if (borders.includes(end) || end >= whole.length - 424) (await open(cut))[Symbol.dispose]();
    else if (end > one.length && end < one.length + 512) await refuses(cut, /ends in the middle of a header/);
    else if (end < one.length) {
      if (end < 512) await refuses(cut, /ends in the middle of a header/);
      else if (end < 514) await refuses(cut, /ends in the middle of "oci-layout"/);
    } else if (end < one.length + pax.length) {
      await refuses(cut, /ends in the middle of the extended header "PaxHeaders\/x"/);
    } else if (end < one.length + pax.length + 512) await refuses(cut, /ends in the middle of the header of "blob"/);
    else await refuses(cut, /ends in the middle of "blob"/);
  }
});

Deno.test("what stands behind the end is told of, but for zeros", async () => {
  const tar = tarOf([LAYOUT]);
  for (const tail of [new Uint8Array(0), new Uint8Array(10_000)]) {
    const warnings: string[] = [];
    (await open(new Uint8Array([...tar, ...tail]), warnings))[Symbol.dispose]();
    assert.deepEqual(warnings, []);
  }
  const warnings: string[] = [];
  using files = await open(new Uint8Array([...tar, ...entryBytes({ path: "more" })]), warnings);
  assert.deepEqual(pathsOf(files), ["oci-layout"]);
  assert.deepEqual(warnings, ["What stands in x.tar behind the end of its tar is passed over"]);
});

Deno.test("a tar without the mark of its end is read with a warning", async () => {
  const warnings: string[] = [];
  using files = await open(entryBytes(LAYOUT), warnings);
  assert.deepEqual(pathsOf(files), ["oci-layout"]);
  assert.deepEqual(warnings, ["x.tar ends without the mark of its end; it may not be whole"]);
});

Deno.test("a header that is damaged is told with its place", async () => {
  const tar = tarOf([LAYOUT, { path: "blob", content: "x" }]);
  tar[1024 + 3] ^= 1;
  await refuses(tar, /^x\.tar is damaged, or no tar: there is no header of an entry at byte 1024$/);
});

Deno.test("an entry that is not simply a file is refused where it matters, and named", async () => {
  const odd: [TestEntry, RegExp][] = [
    [
      { path: "index.json", type: "2", target: "/etc/passwd" },
      /"index\.json" .*a link to "\/etc\/passwd".*not followed/,
    ],
    [{ path: "dir/index.json", type: "2", target: "x" }, /"dir\/index\.json" .*a link/],
    [{ path: "blobs/sha256/aa", type: "1", target: "x" }, /"blobs\/sha256\/aa" .*a hard link/],
    [{ path: "blobs/sha256/aa", type: "3" }, /a device/],
    [{ path: "blobs/sha256/aa", type: "4" }, /a device/],
    [{ path: "blobs/sha256/aa", type: "6" }, /a FIFO/],
    [{ path: "blobs/sha256/aa", type: "S" }, /a sparse file/],
    [{ path: "blobs/sha256/aa", type: "Z" }, /of the unknown type "Z"/],
    [{ path: "blobs/sha256/../../x" }, /"blobs\/sha256\/\.\.\/\.\.\/x" .*its path has `\.\.`/],
    [{ path: "/oci-layout" }, /"\/oci-layout" .*its path is absolute/],
    [{ path: "../index.json" }, /its path has `\.\.`/],
  ];
  for (const [entry, message] of odd) await refuses([LAYOUT, entry], message);
  await refuses([paxEntry({ "GNU.sparse.major": "1" }), { path: "blobs/sha256/aa" }], /a sparse file/);
});

Deno.test("elsewhere it is passed over with a warning, and refused when it is asked for", async () => {
  const warnings: string[] = [];
  using files = await open([
    LAYOUT,
    { path: "../../etc/cron.d/x", content: "evil" },
    { path: "/abs", content: "evil" },
    { path: "pipe", type: "6" },
    { path: "hard\x1b[2J", type: "1", target: "oci-layout" },
  ], warnings);
  assert.deepEqual(pathsOf(files), ["oci-layout"]);
  assert.deepEqual(warnings, [
    'In x.tar, what is not simply a file is passed over: "../../etc/cron.d/x", since its path has `..`; ' +
    '"/abs", since its path is absolute; "pipe", since it is a FIFO; and 1 more',
  ]);
  assert.throws(() => files.get("pipe"), /"pipe" in x\.tar cannot be read: it is a FIFO/);
  assert.throws(() => files.get("hard\x1b[2J"), /"hard\\x1b\[2J" in x\.tar cannot be read: it is a hard link/);
});

Deno.test("what follows a sparse file whose map is long is found", async () => {
  const header = entryBytes({ path: "sparse", type: "S", size: "00000001000\0" });
  header[482] = 1;
  setChecksum(header, 0);
  const [map, last, content] = [new Uint8Array(512), new Uint8Array(512), new Uint8Array(512)];
  map[504] = 1;
  const tar = concatBytes([header, map, last, content, tarOf([LAYOUT])]);
  using files = await open(tar);
  assert.deepEqual(pathsOf(files), ["oci-layout"]);
  await refuses(tar.subarray(0, 1100), /ends in the middle of a sparse file's header/);
});

Deno.test("where symbolic links lead is told, and a warning given of those that lead nowhere", async () => {
  const warnings: string[] = [];
  using files = await open([
    { path: "aa/layer.tar", content: "layer" },
    { path: "bb/layer.tar", type: "2", target: "../aa/layer.tar" },
    longNameEntry("../../etc/shadow", "K"),
    { path: "cc/layer.tar", type: "2", target: "cut" },
  ], warnings);
  assert.equal(files.link?.("bb/layer.tar"), "../aa/layer.tar");
  assert.equal(files.link?.("cc/layer.tar"), "../../etc/shadow");
  assert.equal(files.get("bb/layer.tar"), undefined);
  assert.deepEqual(warnings, [
    'In x.tar, what is not simply a file is passed over: "cc/layer.tar", since it is a link to "../../etc/shadow", ' +
    "and links are not followed",
  ]);
});

Deno.test("one path twice is fine with the same bytes, and refused with others", async () => {
  using files = await open([LAYOUT, { path: "./oci-layout", content: "{}" }]);
  assert.deepEqual(pathsOf(files), ["oci-layout"]);
  const twice = /"oci-layout" in x\.tar cannot be read: it is there more than once, and not the same each time/;
  await refuses([LAYOUT, { path: "oci-layout", content: "[]" }], twice);
  await refuses([LAYOUT, { path: "oci-layout", content: "{} " }], twice);
  await refuses(
    [{ path: "blobs/sha256/aa", content: "1" }, { path: "blobs/sha256/aa", content: "2" }],
    /more than once/,
  );
  using others = await open([{ path: "a", content: "1" }, { path: "a", content: "2" }, { path: "b" }]);
  assert.deepEqual(pathsOf(others), ["b"]);
  assert.throws(() => others.get("a"), /more than once/);
  using mixed = await open([{ path: "a", content: "1" }, { path: "a", type: "2", target: "b" }, { path: "b" }]);
  assert.throws(() => mixed.get("a"), /more than once/);
  assert.equal(mixed.link?.("a"), undefined);
});

Deno.test("extended headers and paths have bounds", async () => {
  await refuses([longNameEntry("n".repeat(70_000)), { path: "cut" }], /an entry whose path is too long: "n{60}"\.\.\./);
  await refuses([paxEntry({ path: "n".repeat(70_000) }), { path: "cut" }], /an entry whose path is too long/);
  await refuses([longNameEntry("n".repeat(1024 * 1024)), { path: "cut" }], /is too long: it has 1048577 bytes/);
  await refuses([{ path: "x", type: "x", size: "77777777777\0" }], /the extended header "x" in x\.tar is too long/);
});

Deno.test("extended headers that break their format are refused", async () => {
  const contents = [
    "x",
    "5 a=b\n",
    "6 a=b\n9",
    "999 a=b\n",
    "6 =ab\n",
    "7 abcd\n",
    "0 a=b\n",
    "3 \n",
    "11 path=a\0b\n",
  ];
  for (const content of contents) {
    await refuses([{ path: "pax", type: "x", content }, LAYOUT], /the extended header "pax" in x\.tar is damaged/);
  }
  await refuses([paxEntry({ path: "all" }, "g"), LAYOUT], /is for all entries, yet says a path/);
  await refuses([longNameEntry(""), LAYOUT], /has an empty name/);
});

Deno.test("headers of old, whose sums are of signed bytes, are read", async () => {
  const tar = tarOf([{ path: "ä", content: "1" }]);
  const signed = tar.subarray(0, 512).reduce((sum, byte) => sum + (byte < 128 ? byte : byte - 256), 0) -
    tar.subarray(148, 156).reduce((sum, byte) => sum + byte, 0) + 8 * 0x20;
  tar.set(new TextEncoder().encode(`${signed.toString(8).padStart(6, "0")}\0 `), 148);
  using files = await open(tar);
  assert.deepEqual(pathsOf(files), ["ä"]);
  setChecksum(tar, 0);
  using again = await open(tar);
  assert.deepEqual(pathsOf(again), ["ä"]);
});

Deno.test("a file that has become shorter since is told of while it is read", async () => {
  const bytes = tarOf([{ path: "blob", content: "x".repeat(1000) }]);
  const access = { ...memoryAccess(bytes) };
  using files = await openTar(access, "x.tar", {});
  access.read = memoryAccess(bytes.subarray(0, 700)).read;
  await assert.rejects(textOf(files.get("blob")), /ends in the middle of "blob"/);
});

Deno.test("large files are read at the same time, and one after another, without mixing their bytes", async () => {
  const contents = [0, 1, 2, 3].map((number) =>
    new Uint8Array(2_500_000 + number).map((_, at) => (at >> 9) + (at >> 20) + number)
  );
  const tar = tarOf(contents.map((content, number) => ({ path: `${number}`, content })));
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/x.tar`;
    Deno.writeFileSync(path, tar);
    using files = await openTar(fileAccess(openSync(path, "r"), tar.length, path), path, {});
    const same = async (number: number) => {
      const hash = new Digester();
      for await (const chunk of files.get(`${number}`)!.open()) {
        // Others get their turn while the chunk is in use.
        await new Promise((resolve) => setTimeout(resolve));
        hash.update(chunk);
      }
      assert.equal(hash.digest(), digestOf(contents[number]));
    };
    await Promise.all([same(0), same(1), same(2)]);
    for await (const _ of files.get("3")!.open()) break;
    await Promise.all([same(0), same(3)]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
