import { strict as assert } from "node:assert";
import type { TarEntry } from "./entry.ts";
import { TarIndex } from "./index.ts";

/** How many entries are taken in before one is refused. */
async function countUntilRefused(entry: (at: number) => TarEntry): Promise<number> {
  const index = new TarIndex<number>("x.tar");
  for (let at = 0; at < 1_000_000; at++) {
    try {
      await index.add(entry(at), at, () => true);
    } catch (error) {
      assert.match((error as Error).message, /^x\.tar has too many entries, or too long ones: what comes from ".*/);
      return at;
    }
  }
  throw new Error("a million were taken in");
}

Deno.test("what links lead to is counted as paths are", async () => {
  const target = "t".repeat(4096);
  const count = await countUntilRefused((at) => ({ path: `${at}`, size: 0, oddity: { kind: "symlink", target } }));
  assert.ok(count > 10_000 && count < 12_000, `${count}`);
});

Deno.test("as many entries as the largest honest archive has are kept, not any number", async () => {
  const count = await countUntilRefused((at) => ({ path: `blobs/sha256/${String(at).padStart(64, "0")}`, size: 0 }));
  assert.ok(count > 200_000 && count < 300_000, `${count}`);
});

Deno.test("entries that are no files are counted as well", async () => {
  const oddity = { kind: "other" as const, what: "it is a device" };
  const count = await countUntilRefused((at) => ({ path: `${at}`.padStart(4096, "x"), size: 0, oddity }));
  assert.ok(count > 10_000 && count < 12_000, `${count}`);
});
