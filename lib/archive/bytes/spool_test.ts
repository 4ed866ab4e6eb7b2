import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { hasCode } from "../../error.ts";
import { Spool } from "./spool.ts";

const CHUNK = 1024 * 1024;
/** So many chunks stay in memory. */
const IN_MEMORY = 16;

function scratch() {
  const folder = mkdtempSync(join(tmpdir(), "satchel-spool-"));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

const chunk = (at: number) => new Uint8Array(CHUNK).fill(at);

for (const count of [IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY]) {
  Deno.test(`what was spooled is read at any place, and no name of it is to be seen: ${count} MiB`, () => {
    using at = scratch();
    using spool = new Spool(count > IN_MEMORY ? at.folder : join(at.folder, "none"));
    for (let each = 0; each < count; each++) spool.append(chunk(each));
    assert.deepEqual(readdirSync(at.folder), []);
    using access = spool.access();
    assert.equal(access.size, count * CHUNK);
    const into = new Uint8Array(2);
    for (let each = count - 1; each > 0; each--) {
      assert.equal(access.read(into, each * CHUNK - 1), 2);
      assert.deepEqual([...into], [each - 1, each]);
    }
    assert.equal(access.read(into, count * CHUNK - 1), 1);
  });
}

Deno.test("what lies in the file is not in memory any more", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  using at = scratch();
  using spool = new Spool(at.folder);
  const chunks: WeakRef<Uint8Array>[] = [];
  const append = (value: number) => {
    const bytes = chunk(value);
    chunks.push(new WeakRef(bytes));
    spool.append(bytes);
  };
  const kept = async () => {
    // What a WeakRef was made or asked for stays until the turn is over.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collectGarbage();
    return chunks.filter((each) => each.deref() !== undefined).length;
  };
  for (let each = 0; each < IN_MEMORY; each++) append(each);
  assert.equal(await kept(), IN_MEMORY);
  append(IN_MEMORY);
  assert.equal(await kept(), 0);
});

Deno.test("a folder where nothing can be written is named, with the way to another one", () => {
  using at = scratch();
  const folder = join(at.folder, "none");
  using spool = new Spool(folder);
  const appendAll = () => {
    for (let each = 0; each <= IN_MEMORY; each++) spool.append(chunk(each));
  };
  assert.throws(appendAll, (error) => {
    assert.ok(hasCode(error, "storage"));
    assert.ok(error.message.startsWith(`Cannot write a temporary file in ${folder}: `), error.message);
    return /TMPDIR names another folder/.test(error.hint ?? "");
  });
});
