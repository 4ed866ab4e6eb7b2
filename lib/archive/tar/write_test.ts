import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FileEntry, TAR_END, tarEntrySize, tarHeader, tarPadding } from "./write.ts";

/** What GNU tar lists of a tar of these entries, whose bytes are zeros. */
function list(entries: readonly FileEntry[]): string[] {
  const parts = entries.flatMap((entry) => [tarHeader(entry), new Uint8Array(entry.size), tarPadding(entry.size)]);
  const bytes = new Uint8Array([...parts, TAR_END].reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of [...parts, TAR_END]) {
    bytes.set(part, at);
    at += part.length;
  }
  assert.equal(bytes.length, entries.reduce((sum, entry) => sum + tarEntrySize(entry), TAR_END.length));
  const { status, stdout, stderr } = spawnSync("tar", ["tvf", "-", "--utc", "--full-time"], {
    input: bytes,
    encoding: "utf8",
  });
  assert.deepEqual([status, stderr], [0, ""]);
  return stdout.trimEnd().split("\n");
}

const PATH_256 = `blobs/sha256/${"a".repeat(64)}`;
const PATH_512 = `blobs/sha512/${"b".repeat(128)}`;

Deno.test("GNU tar lists what is written, paths that are too long for ustar as well", () => {
  const lines = list([
    { path: PATH_256, size: 0, mode: 0o444 },
    { path: PATH_512, size: 1, mode: 0o444 },
    { path: "index.json", size: 512, mode: 0o644 },
    { path: "oci-layout", size: 513, mode: 0o644 },
  ]);
  assert.deepEqual(lines.map((line) => line.replace(/ +/g, " ")), [
    `-r--r--r-- root/root 0 1970-01-01 00:00:00 ${PATH_256}`,
    `-r--r--r-- root/root 1 1970-01-01 00:00:00 ${PATH_512}`,
    "-rw-r--r-- root/root 512 1970-01-01 00:00:00 index.json",
    "-rw-r--r-- root/root 513 1970-01-01 00:00:00 oci-layout",
  ]);
});

Deno.test("a size that eleven octal digits cannot say stands in an extended header, which GNU tar reads", () => {
  const folder = mkdtempSync(join(tmpdir(), "satchel-archive-"));
  try {
    for (const [size, hasMore] of [[0o77777777777, false], [0o77777777777 + 1, true], [9e15, true]] as const) {
      const entry = { path: PATH_256, size, mode: 0o444 };
      assert.equal(tarHeader(entry).length, hasMore ? 3 * 512 : 512);
      assert.equal(tarEntrySize(entry), tarHeader(entry).length + Math.ceil(size / 512) * 512);
      writeFileSync(join(folder, "x.tar"), tarHeader(entry));
      // It ends behind the header, which is told after the line.
      const { stdout } = spawnSync("tar", ["tvf", join(folder, "x.tar")], { encoding: "utf8" });
      assert.match(stdout, new RegExp(` ${size} `));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

Deno.test("the length of a record counts itself, where that makes it longer too", () => {
  for (let length = 101; length < 1100; length++) {
    const header = tarHeader({ path: "p".repeat(length), size: 0, mode: 0o444 });
    const text = new TextDecoder().decode(header.subarray(512, header.length - 512)).replace(/\0+$/, "");
    assert.equal(Number(text.split(" ")[0]), text.length);
    assert.equal(text, `${text.length} path=${"p".repeat(length)}\n`);
  }
});
