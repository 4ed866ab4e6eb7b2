import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { tarGzip } from "./reproducible_tar.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const FILES = [{ name: "b.btf", bytes: bytesOf("second") }, { name: "a.btf", bytes: new Uint8Array(512) }];

/** What GNU tar makes of an archive. */
function tar(archive: Uint8Array, ...args: string[]): string {
  const path = Deno.makeTempFileSync({ prefix: "satchel-test-" });
  try {
    Deno.writeFileSync(path, archive);
    const { code, stdout, stderr } = new Deno.Command("tar", {
      args: ["-f", path, ...args],
      env: { TZ: "UTC", LC_ALL: "C" },
    })
      .outputSync();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("tar reads the packed files, sorted, of root and without a time", () => {
  assert.deepEqual(tar(tarGzip(FILES), "-tvz").trimEnd().split("\n").map((line) => line.replace(/ +/g, " ")), [
    "drwxr-xr-x root/root 0 1970-01-01 00:00 ./",
    "-rw-r--r-- root/root 512 1970-01-01 00:00 ./a.btf",
    "-rw-r--r-- root/root 6 1970-01-01 00:00 ./b.btf",
  ]);
  assert.equal(tar(tarGzip(FILES), "-xzO", "./b.btf"), "second");
});

Deno.test("the same files in another order give the same bytes, in which nothing is of the system", () => {
  const packed = tarGzip(FILES);
  assert.deepEqual(tarGzip(FILES.toReversed()), packed);
  assert.deepEqual([...packed.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]);
  assert.equal(gunzipSync(packed).length % 512, 0);
});

Deno.test("no files at all are an archive with a folder", () => {
  assert.equal(tar(tarGzip([]), "-tz"), "./\n");
});

Deno.test("a name for which a header has no room is refused", () => {
  const named = (length: number) => tarGzip([{ name: "x".repeat(length), bytes: new Uint8Array() }]);
  assert.equal(tar(named(98), "-tz"), `./\n./${"x".repeat(98)}\n`);
  assert.throws(() => named(99), /too long for a tar/);
});
