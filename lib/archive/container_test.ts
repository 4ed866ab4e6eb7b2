import { strict as assert } from "node:assert";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type Scratch, scratchFolder } from "../../tests/harness/mod.ts";
import { ROOT } from "../../tests/harness/paths.ts";
import { tarOf, textOf } from "./_testing_tar.ts";
import { openContainer } from "./container.ts";
import type { ArchiveFiles, ArchiveStream, Container } from "./files.ts";

const SIGNED = join(ROOT, "tests/fixtures/ig-export-signed.tar");
const TAR = tarOf([{ path: "oci-layout", content: "{}" }, { path: "index.json", content: "index" }]);

function open(path: string, signal?: AbortSignal): Promise<Container> {
  return openContainer(path, { spoolFolder: "/nonexistent", ...(signal && { signal }) });
}

async function openFiles(path: string): Promise<Container & ArchiveFiles> {
  const container = await open(path);
  assert(container.kind === "files");
  return container;
}

async function openStream(path: string, signal?: AbortSignal): Promise<Container & ArchiveStream> {
  const container = await open(path, signal);
  assert(container.kind === "stream");
  return container as Container & ArchiveStream;
}

function write(scratch: Scratch, name: string, bytes: Uint8Array | string): string {
  const path = scratch.at(name);
  Deno.writeFileSync(path, typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
  return path;
}

function makeFifo(scratch: Scratch): string {
  const path = scratch.at("fifo");
  assert(new Deno.Command("mkfifo", { args: [path] }).outputSync().success);
  return path;
}

Deno.test("a tar in a file is read in any order", async () => {
  using files = await openFiles(SIGNED);
  assert.equal(files.container, "tar");
  assert.equal(await textOf(files.get("oci-layout")), '{"imageLayoutVersion":"1.0.0"}');
  assert.equal([...files.list()].length, 11);
});

Deno.test("a link that the user has named is followed", async () => {
  await using scratch = await scratchFolder();
  symlinkSync(SIGNED, scratch.at("link"));
  using files = await openFiles(scratch.at("link"));
  assert.equal([...files.list()].length, 11);
});

Deno.test("compressed archives go by once, whatever they are called", async () => {
  await using scratch = await scratchFolder();
  for (const [compression, bytes] of [["gzip", gzipSync(TAR)], ["zstd", zstdCompressSync(TAR)]] as const) {
    await using stream = await openStream(write(scratch, "x.tar", bytes));
    assert.equal(stream.compression, compression);
    assert.equal(await textOf(await stream.next()), "{}");
    using files = await stream.spool();
    assert.equal(await textOf(files.get("index.json")), "index");
  }
});

Deno.test("what is no archive is told with what it seems to be", async () => {
  await using scratch = await scratchFolder();
  const isNone = async (bytes: Uint8Array | string, why: RegExp) => {
    await assert.rejects(open(write(scratch, "x.tar", bytes)), (error: Error) => {
      assert.match(error.message, why);
      assert.equal((error as { code?: unknown }).code, "invalid");
      return true;
    });
  };
  await isNone("", /x\.tar is not an archive: it is empty$/);
  await isNone("hello\n".repeat(200), /x\.tar is not an archive: it is text$/);
  await isNone("hello", /it is text$/);
  await isNone(TAR.subarray(0, 511), /it does not begin with the header of a tar$/);
  await isNone(new Uint8Array([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), /it is compressed with xz, which is not read$/);
  await isNone(
    gzipSync(new TextEncoder().encode("hello")),
    /What is inflated of .*x\.tar is not an archive: it is text$/,
  );
  await isNone(gzipSync(gzipSync(TAR)), /it is compressed with gzip once more$/);
  await isNone(new Uint8Array([0x1f, 0x8b]), /x\.tar ends too early: its gzip is not complete$/);
  await isNone(new Uint8Array([0x28, 0xb5, 0x2f, 0xfd]), /x\.tar ends too early: its zstd is not complete$/);
});

Deno.test("an archive that is not there, or that nobody may read, is told as that", async () => {
  await using scratch = await scratchFolder();
  await assert.rejects(open(scratch.at("x.tar")), { code: "usage", message: `there is no ${scratch.at("x.tar")}` });
  write(scratch, "file", "");
  await assert.rejects(open(scratch.at("file", "x.tar")), { code: "storage" });
  symlinkSync("loop", scratch.at("loop"));
  await assert.rejects(open(scratch.at("loop")), { code: "storage" });
});

Deno.test("a folder is an archive of the files below it; no link in it is followed", async () => {
  await using scratch = await scratchFolder();
  const algorithm = scratch.at("blobs", "sha256");
  Deno.mkdirSync(algorithm, { recursive: true });
  write(scratch, "index.json", "index");
  write(scratch, "blobs/sha256/aa", "blob");
  write(scratch, "other", "other");
  symlinkSync("aa", join(algorithm, "bb"));
  symlinkSync(SIGNED, scratch.at("oci-layout"));
  symlinkSync("/etc", scratch.at("linked"));
  using files = await openFiles(scratch.path);
  assert.equal(files.container, "folder");
  assert.equal(await textOf(files.get("index.json")), "index");
  assert.equal(await textOf(files.get("blobs/sha256/aa")), "blob");
  assert.equal(files.get("blobs/sha256/cc"), undefined);
  for (const path of ["../x", "./index.json", "/etc/passwd", "", "blobs//sha256", "index.json/x", "a\0b"]) {
    assert.equal(files.get(path), undefined, path);
  }
  const links: [string, RegExp][] = [
    ["oci-layout", /^"oci-layout" in .* cannot be read: it is a link/],
    ["linked/passwd", /^"linked" in /],
    ["blobs/sha256/bb", /^"blobs\/sha256\/bb" in /],
    ["blobs/sha256", /it is not a regular file$/],
  ];
  for (const [path, message] of links) {
    assert.throws(() => files.get(path), (error: Error) => message.test(error.message), path);
  }
  Deno.removeSync(scratch.at("oci-layout"));
  assert.deepEqual([...files.list()].map(({ path }) => path), ["index.json", "blobs/sha256/aa"]);
});

Deno.test("a FIFO is read as it comes", async () => {
  await using scratch = await scratchFolder();
  const path = makeFifo(scratch);
  const writing = Deno.writeFile(path, TAR);
  await using stream = await openStream(path);
  assert.equal(await textOf(await stream.next()), "{}");
  assert.equal(await textOf(await stream.next()), "index");
  assert.equal(await stream.next(), undefined);
  await writing;
});

Deno.test("waiting for somebody who writes to a FIFO can be cancelled", async () => {
  await using scratch = await scratchFolder();
  const path = makeFifo(scratch);
  const controller = new AbortController();
  const opening = open(path, controller.signal);
  controller.abort();
  await assert.rejects(opening, { code: "cancelled" });
  // Lets go of who still waits.
  await Deno.writeFile(path, new Uint8Array(0));
});

Deno.test("waiting for more to come out of a FIFO can be cancelled", async () => {
  await using scratch = await scratchFolder();
  const path = makeFifo(scratch);
  const controller = new AbortController();
  const opening = openStream(path, controller.signal);
  using writer = await Deno.open(path, { write: true });
  await writer.write(TAR.subarray(0, 600));
  await using stream = await opening;
  const file = await stream.next();
  const next = stream.next();
  controller.abort();
  await assert.rejects(next, { code: "cancelled" });
  assert.equal(file?.path, "oci-layout");
});

Deno.test("a device is read as it comes", async () => {
  await assert.rejects(open("/dev/null"), { code: "invalid", message: "/dev/null is not an archive: it is empty" });
});
