import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode } from "../../error.ts";
import { digestOf } from "../../oci/mod.ts";
import { type FileDestination, findDestination } from "./destination.ts";
import { openFileSink } from "./file_sink.ts";
import { openVolumeSink } from "./volume_sink.ts";
import { formatSums } from "../volumes/volumes.ts";

function scratch(): Disposable & { folder: string; destination: FileDestination } {
  const folder = mkdtempSync(join(tmpdir(), "satchel-archive-"));
  const destination = findDestination(join(folder, "x.tar"));
  assert.equal(destination.kind, "file");
  return { folder, destination, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

const BYTES = Uint8Array.from({ length: 1000 }, (_, at) => at);

Deno.test("volumes are slices at whatever borders the bytes come, and their list has the digests of each and of all", async () => {
  using made = scratch();
  for (const step of [1, 7, 300, 301, 1000]) {
    await using sink = openVolumeSink(made.destination, { size: 1000, volumeSize: 300 });
    for (let at = 0; at < 1000; at += step) await sink.write(BYTES.subarray(at, at + step));
    for (const [from, to] of [[0, 1000], [299, 302], [250, 950], [999, 1001]]) {
      assert.deepEqual(sink.readAgain?.(from, to - from), BYTES.subarray(from, to));
    }
    const volumes = await sink.finish();
    const slices = [0, 300, 600, 900].map((at) => BYTES.subarray(at, at + 300));
    assert.deepEqual(
      volumes.map(({ size, digest }) => [size, digest]),
      slices.map((each) => [each.length, digestOf(each)]),
    );
    assert.deepEqual(volumes.map(({ name }) => new Uint8Array(readFileSync(join(made.folder, name)))), slices);
    const sums = readFileSync(join(made.folder, "x.tar-sha256sums"), "utf8");
    assert.equal(sums, formatSums("x.tar", volumes, digestOf(BYTES)));
  }
  assert.equal(readdirSync(made.folder).length, 5);
});

Deno.test("a volume that is exactly full is the last one", async () => {
  using made = scratch();
  await using sink = openVolumeSink(made.destination, { size: 1000, volumeSize: 500 });
  await sink.write(BYTES);
  assert.deepEqual((await sink.finish()).map(({ name, size }) => [name, size]), [["x.tar.001", 500], [
    "x.tar.002",
    500,
  ]]);
});

Deno.test("more volumes than three digits can count are refused, with the size that would do", () => {
  using made = scratch();
  assert.throws(() => openVolumeSink(made.destination, { size: 1_000_000, volumeSize: 1000 }), (error) => {
    assert.ok(hasCode(error, "usage"));
    assert.match(error.message, /would have 1000 volumes, and 999 are possible/);
    assert.deepEqual(error.remedy, { kind: "larger-volumes", bytes: 1002 });
    return true;
  });
  assert.deepEqual(readdirSync(made.folder), []);
});

for (const [what, open] of [["file", openFileSink], ["volumes", openVolumeSink]] as const) {
  Deno.test(`what was not finished leaves nothing behind (${what})`, async () => {
    using made = scratch();
    {
      await using sink = open(made.destination, { size: 1000, volumeSize: 300 });
      await sink.write(BYTES);
      assert.notDeepEqual(readdirSync(made.folder), []);
    }
    assert.deepEqual(readdirSync(made.folder), []);
  });

  Deno.test(`a signal ends it before it has its name (${what})`, async () => {
    using made = scratch();
    const controller = new AbortController();
    {
      await using sink = open(made.destination, { size: 1000, volumeSize: 300, signal: controller.signal });
      await sink.write(BYTES);
      controller.abort();
      await assert.rejects(sink.finish(), (error) => hasCode(error, "cancelled"));
    }
    assert.deepEqual(readdirSync(made.folder), []);
  });

  Deno.test(`two at once do not write into one file (${what})`, async () => {
    using made = scratch();
    await using _first = open(made.destination, { size: 1000, volumeSize: 300 });
    assert.throws(() => open(made.destination, { size: 1000, volumeSize: 300 }), (error) => hasCode(error, "busy"));
  });
}
