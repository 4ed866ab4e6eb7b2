import { strict as assert } from "node:assert";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { hasCode } from "../../lib/error.ts";
import { checkFree, keyPaths, writeKeyPair } from "./key_files.ts";

const KEYS = { privateKey: "private\n", publicKey: "public\n" };

function inFolder(fn: (folder: string) => void): void {
  const folder = mkdtempSync("/tmp/satchel-test-");
  try {
    fn(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function assertTaken(work: () => void): void {
  assert.throws(work, (error) => hasCode(error, "usage") && / is there already$/.test(error.message));
}

Deno.test("a pair of keys is two files, of which the private one is for its owner alone", () => {
  inFolder((folder) => {
    writeKeyPair(keyPaths(join(folder, "mine")), KEYS);
    assert.equal(readFileSync(join(folder, "mine.key"), "utf8"), KEYS.privateKey);
    assert.equal(readFileSync(join(folder, "mine.pub"), "utf8"), KEYS.publicKey);
    assert.equal(lstatSync(join(folder, "mine.key")).mode & 0o777, 0o600);
  });
});

for (const name of ["mine.key", "mine.pub"]) {
  Deno.test(`where ${name} is there already nothing is written, also if it came after the look`, () => {
    inFolder((folder) => {
      writeFileSync(join(folder, name), "old");
      assertTaken(() => checkFree(keyPaths(join(folder, "mine"))));
      assertTaken(() => writeKeyPair(keyPaths(join(folder, "mine")), KEYS));
      assert.deepEqual(readdirSync(folder), [name]);
      assert.equal(readFileSync(join(folder, name), "utf8"), "old");
    });
  });

  Deno.test(`a link in the place of ${name} is not followed`, () => {
    inFolder((folder) => {
      symlinkSync(join(folder, "elsewhere"), join(folder, name));
      assertTaken(() => checkFree(keyPaths(join(folder, "mine"))));
      assertTaken(() => writeKeyPair(keyPaths(join(folder, "mine")), KEYS));
      assert.deepEqual(readdirSync(folder), [name]);
    });
  });
}

Deno.test("folders that are not there are not made", () => {
  inFolder((folder) => {
    const paths = keyPaths(join(folder, "none/mine"));
    assert.throws(
      () => checkFree(paths),
      (error) => hasCode(error, "storage") && /mine\.key: there is no folder \S+\/none$/.test(error.message),
    );
    assert.throws(
      () => writeKeyPair(paths, KEYS),
      (error) => hasCode(error, "storage") && /cannot write/.test(error.message),
    );
    mkdirSync(join(folder, "none"));
    writeKeyPair(paths, KEYS);
  });
});
