import { strict as assert } from "node:assert";
import { zstdCompressSync } from "node:zlib";
import { concatBytes } from "../../content/mod.ts";
import { inChunks } from "../_testing_tar.ts";
import { inflate } from "./compression.ts";
import { InflationLimit } from "./inflation_limit.ts";

/** Inflates so many frames of the same content; returns how many bytes came. */
async function inflateFrames(count: number, content: Uint8Array): Promise<number> {
  const frame = new Uint8Array(zstdCompressSync(content));
  const bytes = concatBytes(Array.from({ length: count }, () => frame));
  const chunks = inChunks(bytes, 64 * 1024);
  let size = 0;
  for await (const chunk of inflate(chunks, "zstd", "x.tar.zst", new InflationLimit())) size += chunk.length;
  return size;
}

Deno.test("empty frames are refused from the thousandth on, as what they are and not as damage", async () => {
  await assert.rejects(inflateFrames(2000, new Uint8Array(0)), {
    code: "refused",
    message: "x.tar.zst has too many frames of zstd for what is in them",
  });
});

Deno.test("frames of zeros that are worth their time are inflated, however small they are", async () => {
  assert.equal(await inflateFrames(2000, new Uint8Array(10 * 1024)), 2000 * 10 * 1024);
});
