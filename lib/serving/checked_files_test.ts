import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SatchelError } from "../error.ts";
import { digestHex, digestOf } from "../oci/mod.ts";
import type { FileHasher } from "../runtime/mod.ts";
import { CheckedFiles } from "./checked_files.ts";

const LARGE = new Uint8Array(1024 * 1024 + 1).fill(7);
const digest = digestOf(LARGE);

/** A large file that has the bytes of {@link digest}, and what hashes it. */
function world(hash: (attempt: number, path: string) => Promise<string | undefined>, failures = 0) {
  const folder = mkdtempSync(join(tmpdir(), "satchel-checked-"));
  const path = join(folder, "blob");
  writeFileSync(path, LARGE);
  const told: SatchelError[] = [];
  let starts = 0;
  let attempts = 0;
  let idle = Promise.withResolvers<void>();
  const startHasher = (): FileHasher => {
    const [came, before] = [Promise.withResolvers<void>(), idle];
    idle = came;
    before.resolve();
    if (++starts <= failures) throw new Error("no memory for a thread");
    return { hash: () => hash(++attempts, path), [Symbol.dispose]: () => {} };
  };
  const files = new CheckedFiles({ onDamaged: (error) => told.push(error), hashDelay: 0, startHasher });
  return {
    path,
    told,
    /** Asks for it, and waits until somebody has hashed it. */
    async ask() {
      const { promise } = idle;
      assert.equal(files.admit(digest, { path, offset: 0, size: LARGE.length }), "unknown");
      await promise;
      await new Promise((resolve) => setImmediate(resolve));
    },
    isDamaged: () => files.isDamaged(digest, { path, offset: 0, size: LARGE.length }),
    hashed: () => attempts,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

Deno.test("what was hashed while somebody wrote to it says nothing, and is hashed again", async () => {
  using made = world(async (attempt, path) => {
    if (attempt === 1) appendFileSync(path, "x");
    return attempt === 1 ? "00" : digestHex(digest);
  });
  await made.ask();
  assert.deepEqual([made.told, made.isDamaged()], [[], false]);
  writeFileSync(made.path, LARGE);
  await made.ask();
  assert.equal(made.hashed(), 2);
  assert.deepEqual([made.told, made.isDamaged()], [[], false]);
});

Deno.test("what cannot be read is hashed again when it is next asked for, though its file has not changed", async () => {
  using made = world(async (attempt) => {
    if (attempt === 1) throw new Error("input/output error");
    return "00";
  });
  await made.ask();
  assert.equal(made.isDamaged(), false);
  await made.ask();
  assert.equal(made.hashed(), 2);
  assert.equal(made.isDamaged(), true);
  assert.equal(made.told.length, 1);
});

Deno.test("where no hasher can be started, it is tried again when something is next asked for", async () => {
  using made = world(async () => "00", 1);
  await made.ask();
  assert.deepEqual([made.hashed(), made.isDamaged()], [0, false]);
  await made.ask();
  assert.deepEqual([made.hashed(), made.isDamaged()], [1, true]);
});
