import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { hasCode } from "../../error.ts";
import { type Digest, digestOf } from "../../oci/mod.ts";
import { type HaveList, inventoryOf, readInventories } from "./have.ts";

function digestsOf(count: number, seed = ""): Digest[] {
  return Array.from({ length: count }, (_, at) => digestOf(new TextEncoder().encode(`${seed}${at}`)));
}

const SHA512: Digest = `sha512:${"0123456789abcdef".repeat(8)}`;

async function read(...contents: (string | Uint8Array)[]): Promise<HaveList> {
  const folder = mkdtempSync(join(tmpdir(), "satchel-archive-"));
  try {
    const paths = contents.map((content, at) => {
      const path = join(folder, `${at}.json`);
      writeFileSync(path, content);
      return path;
    });
    return await readInventories(paths);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function listing(...sha256: unknown[]): string {
  return JSON.stringify({ satchel: "inventory", version: 1, sha256 });
}

Deno.test("an inventory has what it was made of, and nothing else", async () => {
  const [there, elsewhere] = [digestsOf(500), digestsOf(500, "other ")];
  const inventory = inventoryOf([...there, ...there, SHA512]);
  assert.deepEqual(inventory.sha256, [...new Set(inventory.sha256)].sort());
  const have = await read(JSON.stringify(inventory));
  assert.ok([...there, SHA512].every((digest) => have.has(digest)));
  assert.ok(!elsewhere.some((digest) => have.has(digest)));
});

Deno.test("an inventory takes 8 bytes a blob or fewer when compressed", () => {
  const text = JSON.stringify(inventoryOf(digestsOf(10_000)));
  assert.ok(gzipSync(text, { level: 9 }).length < 80_000, `${gzipSync(text, { level: 9 }).length}`);
});

Deno.test("several inventories add up; entries may have more digits, up to whole digests", async () => {
  const [first, second, third] = digestsOf(3).map((digest) => digest.slice(7));
  const have = await read(listing(first), gzipSync(listing(second.slice(0, 20), third.slice(0, 12))));
  assert.deepEqual([first, second, third].map((hex) => have.has(`sha256:${hex}`)), [true, true, true]);
  const changed = (hex: string, at: number) => hex.slice(0, at) + (hex[at] === "0" ? "1" : "0") + hex.slice(at + 1);
  assert.ok(!have.has(`sha256:${changed(first, 63)}`));
  assert.ok(!have.has(`sha256:${changed(second, 19)}`));
  assert.ok(have.has(`sha256:${changed(second, 20)}`));
});

for (
  const [what, text] of [
    ["no JSON", "x"],
    ["another JSON", '{"manifests":[]}'],
    ["a version to come", '{"satchel":"inventory","version":2}'],
    ["no list", '{"satchel":"inventory","version":1,"sha256":"a"}'],
    ["too few digits", listing("0123456789a")],
    ["too many digits", listing("0".repeat(65))],
    ["other letters", listing("0123456789AB")],
    ["a number", listing(123456789012)],
    ["half a gzip", gzipSync(listing()).subarray(0, 20)],
    ["a gzip of too much", gzipSync(new Uint8Array(65 * 1024 * 1024))],
  ] as const
) {
  Deno.test(`what is no inventory is refused: ${what}`, async () => {
    await assert.rejects(read(text), (error) => hasCode(error, "invalid") && error.message.includes("0.json"));
  });
}

Deno.test("an inventory that is not there is not found", async () => {
  await assert.rejects(readInventories(["/nonexistent/have.json"]), (error) => hasCode(error, "usage"));
});
