import { strict as assert } from "node:assert";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { type Scratch, scratchFolder } from "../../../tests/harness/mod.ts";
import { digestOf } from "../../oci/mod.ts";
import { tarOf, type TestEntry, textOf } from "../_testing_tar.ts";
import { openContainer } from "../container.ts";
import { formatSums, sumsPath, volumePath } from "./volumes.ts";

const BLOBS: TestEntry[] = Array.from({ length: 20 }, (_, at) => ({
  path: `blobs/sha256/${at}`,
  content: String.fromCharCode(97 + at).repeat(700),
}));
const TAR = tarOf([{ path: "oci-layout", content: "{}" }, ...BLOBS]);
const SIZE = 5000;

/** Writes volumes; returns the path of the archive that they are of. */
function writeVolumes(scratch: Scratch, { bytes = TAR, sums = false } = {}): string {
  const archive = scratch.at("x.tar");
  const parts = Array.from(
    { length: Math.ceil(bytes.length / SIZE) },
    (_, at) => bytes.subarray(at * SIZE, (at + 1) * SIZE),
  );
  for (const [at, part] of parts.entries()) Deno.writeFileSync(volumePath(archive, at + 1), part);
  const list = parts.map((part, at) => ({ name: basename(volumePath(archive, at + 1)), digest: digestOf(part) }));
  if (sums) Deno.writeTextFileSync(sumsPath(archive), formatSums(archive, list, digestOf(bytes)));
  return archive;
}

function open(path: string) {
  return openContainer(path, { spoolFolder: "/nonexistent" });
}

async function openFiles(path: string) {
  const container = await open(path);
  assert(container.kind === "files");
  return container;
}

Deno.test("volumes are read as one archive, whichever of them is named, or none", async () => {
  await using scratch = await scratchFolder();
  const archive = writeVolumes(scratch);
  for (const path of [archive, volumePath(archive, 1), volumePath(archive, 3)]) {
    using files = await openFiles(path);
    assert.equal(files.name, archive);
    assert.deepEqual(files.volumes, [1, 2, 3, 4, 5, 6, 7].map((number) => volumePath(archive, number)));
    for (const { path, content } of BLOBS) assert.equal(await textOf(files.get(path)), content);
  }
});

Deno.test("a file of volumes says in which of them it lies", async () => {
  await using scratch = await scratchFolder();
  const archive = writeVolumes(scratch);
  using files = await openFiles(archive);
  const places = ["oci-layout", "blobs/sha256/2", "blobs/sha256/19"].map((path) => files.get(path)?.place);
  assert.deepEqual(places, [
    volumePath(archive, 1),
    `${volumePath(archive, 1)} to x.tar.002`,
    volumePath(archive, 7),
  ]);
});

Deno.test("compressed volumes go by once", async () => {
  await using scratch = await scratchFolder();
  const noise = crypto.getRandomValues(new Uint8Array(20_000));
  const archive = writeVolumes(scratch, { bytes: gzipSync(tarOf([{ path: "noise", content: noise }])) });
  const container = await open(volumePath(archive, 1));
  assert(container.kind === "stream");
  await using stream = container;
  assert.equal(stream.compression, "gzip");
  assert.equal(stream.volumes?.length, 5);
  assert.equal((await stream.next())?.size, 20_000);
});

Deno.test("volumes that are missing are named", async () => {
  await using scratch = await scratchFolder();
  const archive = writeVolumes(scratch);
  for (const number of [2, 4]) Deno.removeSync(volumePath(archive, number));
  await assert.rejects(open(volumePath(archive, 1)), {
    code: "integrity",
    message: `Of the 7 volumes of ${archive}, there is no x.tar.002, x.tar.004`,
  });
  Deno.removeSync(volumePath(archive, 1));
  await assert.rejects(open(volumePath(archive, 3)), { code: "integrity" });
});

Deno.test("the list of checksums tells that the last one is missing, or all", async () => {
  await using scratch = await scratchFolder();
  const archive = writeVolumes(scratch, { sums: true });
  Deno.removeSync(volumePath(archive, 7));
  for (const path of [archive, volumePath(archive, 1), volumePath(archive, 7)]) {
    await assert.rejects(open(path), {
      code: "integrity",
      message: `Of the 7 volumes of ${archive}, there is no x.tar.007`,
    });
  }
  for (const number of [1, 2, 3, 4, 5, 6]) Deno.removeSync(volumePath(archive, number));
  await assert.rejects(open(archive), {
    code: "integrity",
    message:
      `Of the 7 volumes of ${archive}, there is no x.tar.001, x.tar.002, x.tar.003, x.tar.004, x.tar.005, and 2 more`,
  });
});

Deno.test("without the list, the one behind the last that is there is missing where the archive is cut", async () => {
  await using scratch = await scratchFolder();
  const archive = writeVolumes(scratch);
  for (const number of [5, 6, 7]) Deno.removeSync(volumePath(archive, number));
  await assert.rejects(open(archive), {
    code: "integrity",
    message: `${archive} ends with x.tar.004; x.tar.005 is missing`,
  });
});

Deno.test("the archive of volumes whose first one is missing is one of volumes", async () => {
  await using scratch = await scratchFolder();
  const archive = writeVolumes(scratch);
  Deno.removeSync(volumePath(archive, 1));
  await assert.rejects(open(archive), { message: `Of the 7 volumes of ${archive}, there is no x.tar.001` });
  Deno.writeFileSync(scratch.at("backup.2024"), TAR);
  await assert.rejects(open(scratch.at("backup")), { message: `there is no ${scratch.at("backup")}` });
});

Deno.test("a number that leads far ahead does not make the reader count to it", async () => {
  await using scratch = await scratchFolder();
  const archive = writeVolumes(scratch);
  Deno.writeFileSync(volumePath(archive, 999_999_999_999), new Uint8Array(1));
  await assert.rejects(open(archive), {
    code: "integrity",
    message: /x\.tar\.012, and 999999999986 more$/,
  });
});

Deno.test("a volume whose size cannot be is named", async () => {
  await using scratch = await scratchFolder();
  const archive = writeVolumes(scratch);
  Deno.truncateSync(volumePath(archive, 3), 100);
  await assert.rejects(open(archive), {
    code: "integrity",
    message: `${
      volumePath(archive, 3)
    } has not the size that it should have: x.tar.003 has 100 bytes, x.tar.001 has 5000`,
  });
});

Deno.test("a whole archive whose name ends in a number is no volume", async () => {
  await using scratch = await scratchFolder();
  for (const name of ["backup.2024", "backup.2023", "y.tar.001"]) {
    Deno.writeFileSync(scratch.at(name), TAR);
    using files = await openFiles(scratch.at(name));
    assert.equal(files.volumes, undefined);
    assert.equal(files.name, scratch.at(name));
  }
});
