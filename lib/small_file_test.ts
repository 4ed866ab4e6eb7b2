import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSmallFile } from "./small_file.ts";

function folder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "satchel-file-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

Deno.test("a small file is read whole, an empty one too", () => {
  using made = folder();
  const path = join(made.path, "file");
  for (const text of ["", "hello", "x".repeat(100_000)]) {
    writeFileSync(path, text);
    assert.equal(new TextDecoder().decode(readSmallFile(path, 100_000)), text);
  }
});

Deno.test("a file that is too long, a folder, a device and a FIFO are refused at once", () => {
  using made = folder();
  const [file, fifo] = [join(made.path, "file"), join(made.path, "fifo")];
  writeFileSync(file, "12345");
  assert.equal(spawnSync("mkfifo", [fifo]).status, 0);
  assert.throws(() => readSmallFile(file, 4), /larger than 4 bytes/);
  for (const path of [made.path, "/dev/zero", fifo]) {
    assert.throws(() => readSmallFile(path, 100), /not a regular file|EISDIR/, path);
  }
});
