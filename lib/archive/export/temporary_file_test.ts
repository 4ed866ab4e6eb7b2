import { strict as assert } from "node:assert";
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeAll } from "../../files/mod.ts";
import { bytesOf } from "../_testing_layout.ts";
import { findDestination } from "./destination.ts";
import { openFileSink } from "./file_sink.ts";
import { openTemporary, temporaryPath } from "./temporary_file.ts";

/** A folder for one file, and the path where that is written first. */
function scratch() {
  const folder = mkdtempSync(join(tmpdir(), "satchel-temporary-"));
  const path = join(folder, "x.tar");
  return {
    path,
    partial: temporaryPath(folder, path),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function write(path: string, text: string): Promise<void> {
  const destination = findDestination(path);
  if (destination.kind !== "file") throw new Error(`${path} is no file`);
  await using sink = openFileSink(destination, { size: text.length });
  await sink.write(bytesOf(text));
  await sink.finish();
}

Deno.test("of a longer file that a killed run has left nothing is in the new one", async () => {
  using folder = scratch();
  writeFileSync(folder.partial, "the longer file of a run that was killed");
  await write(folder.path, "short");
  assert.equal(readFileSync(folder.path, "utf8"), "short");
  assert.ok(!existsSync(folder.partial));
});

Deno.test("a file that is being written is not opened by another", () => {
  using folder = scratch();
  using temporary = openTemporary(folder.partial, "x.tar");
  writeAll(temporary.file.fd, bytesOf("bytes"), 0);
  assert.throws(() => openTemporary(folder.partial, "x.tar"), { code: "busy" });
  assert.equal(readFileSync(folder.partial, "utf8"), "bytes");
});

Deno.test("what was written is read again, and not what somebody has put in its place", () => {
  using folder = scratch();
  using temporary = openTemporary(folder.partial, "x.tar");
  writeAll(temporary.file.fd, bytesOf("0123456789"), 0);
  assert.deepEqual(temporary.readAgain(7, 100), bytesOf("789"));
  renameSync(folder.partial, `${folder.partial}.moved`);
  writeFileSync(folder.partial, "others have put this here");
  assert.throws(() => temporary.readAgain(7, 100), { code: "refused" });
  assert.throws(() => temporary.rename(folder.path), { code: "refused" });
  assert.ok(!existsSync(folder.path));
});

Deno.test("a file takes the rights of the one that it replaces, and stays when it is disposed of", () => {
  using folder = scratch();
  writeFileSync(folder.path, "old");
  chmodSync(folder.path, 0o604);
  {
    using temporary = openTemporary(folder.partial, "x.tar");
    writeAll(temporary.file.fd, bytesOf("new"), 0);
    temporary.rename(folder.path, statSync(folder.path));
  }
  assert.equal(readFileSync(folder.path, "utf8"), "new");
  assert.equal(statSync(folder.path).mode & 0o777, 0o604);
});

Deno.test("a file that never got its name is gone when it is disposed of", () => {
  using folder = scratch();
  openTemporary(folder.partial, "x.tar")[Symbol.dispose]();
  assert.ok(!existsSync(folder.partial));
});
