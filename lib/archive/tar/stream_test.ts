import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type ErrorCode, SatchelError } from "../../error.ts";
import { scratchFolder } from "../../../tests/harness/mod.ts";
import { entryBytes, inChunks, tarOf, type TestEntry, textOf } from "../_testing_tar.ts";
import { inflate } from "../bytes/compression.ts";
import type { Compression, OpenOptions, PassingFile } from "../files.ts";
import { InflationLimit } from "../bytes/inflation_limit.ts";
import { TarStream } from "./stream.ts";

const LAYOUT: TestEntry = { path: "oci-layout", content: "{}" };
const FILES: TestEntry[] = [
  LAYOUT,
  { path: "blobs/", type: "5" },
  { path: "index.json", content: "index" },
  { path: "blobs/sha256/aa", content: "a".repeat(5000) },
  { path: "blobs/sha256/bb", content: "b" },
];

function streamOf(tar: Uint8Array | TestEntry[], options: Partial<OpenOptions> = {}): TarStream {
  const bytes = tar instanceof Uint8Array ? tar : tarOf(tar);
  return new TarStream("stdin", inChunks(bytes), { spoolFolder: "/nonexistent", ...options });
}

function inflated(bytes: Uint8Array, compression: Compression): TarStream {
  const limit = new InflationLimit();
  const chunks = inflate(inChunks(bytes), compression, "x.tar.gz", limit);
  return new TarStream("x.tar.gz", chunks, { spoolFolder: "/nonexistent" }, limit);
}

async function pathsOf(stream: TarStream): Promise<string[]> {
  const paths: string[] = [];
  for (let file = await stream.next(); file; file = await stream.next()) paths.push(file.path);
  return paths;
}

async function refuses(stream: TarStream, code: ErrorCode, message: RegExp): Promise<void> {
  await using closing = stream;
  const check = (error: unknown) => {
    assert(error instanceof SatchelError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
  await assert.rejects(pathsOf(closing), check);
  // Not taken for an end by whoever goes on.
  await assert.rejects(closing.next(), check);
}

function gzip(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(gzipSync(bytes));
}

function zstd(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(zstdCompressSync(bytes));
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

Deno.test("what is odd in a stream that has to be spooled is warned of once", async () => {
  const warnings: string[] = [];
  const options: OpenOptions = { spoolFolder: "/nonexistent", onWarning: (each) => void warnings.push(each) };
  await using stream = streamOf([...FILES, { path: "a", type: "2", target: "b" }], options);
  using _files = await stream.spool(options);
  assert.equal(warnings.length, 1);
});

Deno.test("files go by in the order of the tar; what is not read of them is skipped", async () => {
  await using stream = streamOf(FILES);
  assert.equal(await textOf(await stream.next()), "{}");
  assert.equal((await stream.next())?.path, "index.json");
  const blob = (await stream.next()) as PassingFile;
  for await (const _ of blob.read()) break;
  assert.equal(await textOf(await stream.next()), "b");
  assert.equal(await stream.next(), undefined);
  assert.equal(await stream.next(), undefined);
});

Deno.test("a file that has gone by is not read as another one", async () => {
  await using stream = streamOf(FILES);
  await stream.next();
  await stream.next();
  const blob = await stream.next();
  await stream.next();
  await assert.rejects(textOf(blob), /has gone by/);
});

Deno.test("what was read before is there again when the stream is spooled, in any order", async () => {
  await using stream = streamOf(FILES);
  await stream.next();
  assert.equal(await textOf(await stream.next()), "index");
  using files = await stream.spool();
  assert.deepEqual(
    [...files.list()].map(({ path }) => path),
    FILES.filter(({ type }) => !type).map(({ path }) => path),
  );
  assert.equal(await textOf(files.get("blobs/sha256/bb")), "b");
  assert.equal(await textOf(files.get("oci-layout")), "{}");
});

Deno.test("more than fits into memory is spooled to a file that has no name", async () => {
  await using scratch = await scratchFolder();
  const content = crypto.getRandomValues(new Uint8Array(60_000));
  const large = Array.from({ length: 400 }, (_, at) => ({ path: `blobs/sha256/${at}`, content }));
  await using stream = streamOf([LAYOUT, ...large], { spoolFolder: scratch.path });
  using files = await stream.spool();
  assert.deepEqual(Array.from(Deno.readDirSync(scratch.path)), []);
  for (const at of [399, 0]) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of files.get(`blobs/sha256/${at}`)!.open()) chunks.push(chunk.slice());
    assert.deepEqual(joined(...chunks), content);
  }
});

Deno.test("a spool folder that cannot be written to is an error that names it", async () => {
  await using scratch = await scratchFolder();
  const spoolFolder = scratch.at("gone");
  await using stream = streamOf([{ path: "blob", content: new Uint8Array(17 * 1024 * 1024) }], { spoolFolder });
  await assert.rejects(stream.spool(), {
    code: "storage",
    message: `Cannot write a temporary file in ${spoolFolder}: it does not exist`,
  });
});

Deno.test("what was released is not kept", async () => {
  const content = new Uint8Array(17 * 1024 * 1024);
  await using stream = streamOf([{ path: "blob", content }]);
  stream.release();
  assert.deepEqual(await pathsOf(stream), ["blob"]);
  await assert.rejects(stream.spool(), /was released/);
});

Deno.test("a stream that ends in the middle of something says of what", async () => {
  const tar = tarOf([LAYOUT, { path: "blob", content: "x".repeat(600) }]);
  await refuses(streamOf(tar.subarray(0, 100)), "invalid", /^stdin ends in the middle of a header$/);
  await refuses(streamOf(tar.subarray(0, 513)), "invalid", /^stdin ends in the middle of "oci-layout"$/);
  await refuses(streamOf(tar.subarray(0, 2000)), "invalid", /^stdin ends in the middle of "blob"$/);
  for (const end of [1024, 1024 + 512 + 600, 1024 + 512 + 1024]) {
    const warnings: string[] = [];
    await using stream = streamOf(tar.subarray(0, end), { onWarning: (each) => warnings.push(each) });
    await pathsOf(stream);
    assert.deepEqual(warnings, ["stdin ends without the mark of its end; it may not be whole"]);
  }
});

Deno.test("entries of a stream that are not simply files are refused where they matter, else passed over", async () => {
  await refuses(streamOf([{ path: "index.json", type: "2", target: "x" }]), "invalid", /"index\.json" .*a link/);
  const warnings: string[] = [];
  await using stream = streamOf([{ path: "../x", content: "evil" }, LAYOUT], {
    onWarning: (each) => warnings.push(each),
  });
  assert.deepEqual(await pathsOf(stream), ["oci-layout"]);
  assert.match(warnings.join(), /"\.\.\/x", since its path has/);
});

Deno.test("one path twice in a stream is fine with the same bytes, and refused with others", async () => {
  await using same = streamOf([LAYOUT, LAYOUT]);
  assert.deepEqual(await pathsOf(same), ["oci-layout", "oci-layout"]);
  const twice = /"oci-layout" in stdin cannot be read: it is there more than once/;
  await refuses(streamOf([LAYOUT, { ...LAYOUT, content: "[]" }]), "invalid", twice);
  await refuses(streamOf([LAYOUT, { ...LAYOUT, content: "[] " }]), "invalid", twice);
  const blob = { path: "blobs/sha256/aa", content: "1" };
  await refuses(streamOf([blob, { ...blob, content: "22" }]), "invalid", /"blobs\/sha256\/aa" .*more than once/);
});

Deno.test("what stands behind the end is not read on and on", async () => {
  let chunks = 0;
  async function* endless() {
    yield tarOf(FILES);
    for (; chunks < 10_000; chunks++) yield new Uint8Array(64 * 1024);
  }
  await using stream = new TarStream("stdin", endless(), { spoolFolder: "/nonexistent" });
  assert.equal((await pathsOf(stream)).length, 4);
  assert(chunks < 20, String(chunks));
  const warnings: string[] = [];
  const tail = streamOf(joined(tarOf(FILES), entryBytes(LAYOUT)), { onWarning: (each) => warnings.push(each) });
  await using closing = tail;
  await pathsOf(closing);
  assert.deepEqual(warnings, ["What stands in stdin behind the end of its tar is passed over"]);
});

Deno.test("an operation that was cancelled ends a stream", async () => {
  const controller = new AbortController();
  await using stream = streamOf(FILES);
  const file = await stream.next({ signal: controller.signal });
  controller.abort();
  const isCancelled = { code: "cancelled" };
  await assert.rejects(textOf(file), isCancelled);
  await assert.rejects(stream.next({ signal: controller.signal }), isCancelled);
});

for (const [compression, compress] of [["gzip", gzip], ["zstd", zstd]] as const) {
  Deno.test(`${compression} is inflated, in one piece or in several`, async () => {
    const tar = tarOf(FILES);
    for (const bytes of [compress(tar), joined(compress(tar.subarray(0, 999)), compress(tar.subarray(999)))]) {
      await using stream = inflated(bytes, compression);
      assert.deepEqual(await pathsOf(stream), FILES.filter(({ type }) => !type).map(({ path }) => path));
      await using again = inflated(bytes, compression);
      using files = await again.spool();
      assert.equal(await textOf(files.get("blobs/sha256/aa")), "a".repeat(5000));
    }
  });

  Deno.test(`${compression} that ends too early is told, wherever that is`, async () => {
    const content = crypto.getRandomValues(new Uint8Array(1000));
    const bytes = compress(tarOf([LAYOUT, { path: "blob", content }]));
    for (let length = 5; length < bytes.length; length += 9) {
      await refuses(inflated(bytes.subarray(0, length), compression), "invalid", /^x\.tar\.gz ends too early/);
    }
    const last = bytes.subarray(0, bytes.length - 1);
    await refuses(inflated(last, compression), "invalid", /^x\.tar\.gz ends too early: its \w+ is not complete$/);
  });

  Deno.test(`what follows the ${compression} of an archive and is none is told`, async () => {
    const bytes = joined(compress(tarOf(FILES)), new Uint8Array(600).fill(65));
    const message = new RegExp(`^x\\.tar\\.gz is damaged: something else follows its ${compression}$`);
    await refuses(inflated(bytes, compression), "invalid", message);
  });

  Deno.test(`${compression} that inflates to more than was announced is refused`, async () => {
    const limit = new InflationLimit();
    const chunks = inflate(inChunks(compress(new Uint8Array(100_000))), compression, "x.tar.gz", limit);
    limit.inflated(4 * 1024 ** 3, "x.tar.gz");
    await assert.rejects(
      (async () => {
        for await (const _ of chunks);
      })(),
      /^SatchelError: x\.tar\.gz inflates to more than its images need: \d+ bytes of it have become \d+$/,
    );
  });
}

Deno.test("gzip with another checksum is damaged", async () => {
  const bytes = gzip(tarOf(FILES));
  bytes[bytes.length - 8] ^= 1;
  await refuses(inflated(bytes, "gzip"), "integrity", /another checksum than its gzip says/);
});

Deno.test("zstd with frames to be skipped, and without a known size, is inflated", async () => {
  const skipped = new Uint8Array([0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  await using stream = inflated(joined(skipped, zstd(tarOf(FILES)), skipped), "zstd");
  assert.equal((await pathsOf(stream)).length, 4);
});

Deno.test("what is announced may be inflated as well", () => {
  const limit = new InflationLimit();
  limit.inflated(4 * 1024 ** 3, "x");
  assert.throws(() => limit.inflated(1, "x"), { code: "refused" });
  limit.announce(1000);
  limit.inflated(999, "x");
  assert.throws(() => limit.inflated(1, "x"), { code: "refused" });
});
