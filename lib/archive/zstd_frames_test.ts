import { strict as assert } from "node:assert";
import { zstdCompressSync } from "node:zlib";
import { concatBytes } from "../content/mod.ts";
import { zstdFrames } from "./zstd_frames.ts";

/** Reads all frames; returns how many bytes there are in them. */
async function passAll(bytes: Uint8Array): Promise<number> {
  async function* chunks() {
    yield bytes;
  }
  let size = 0;
  for await (const frame of zstdFrames(chunks(), "x.tar.zst")) for await (const chunk of frame) size += chunk.length;
  return size;
}

/** A frame that has one empty block. */
const frame = (descriptor: number, ...rest: number[]) =>
  Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, descriptor, ...rest, 1, 0, 0);

Deno.test("a window as large as zstd takes unless told otherwise is read, a larger one refused for what it is", async () => {
  const exponent = (log: number, mantissa = 0) => ((log - 10) << 3) + mantissa;
  assert.equal(await passAll(frame(0, exponent(27))), 9);
  for (const window of [exponent(27, 1), exponent(31)]) {
    await assert.rejects(passAll(frame(0, window)), {
      code: "invalid",
      message:
        /^x\.tar\.zst needs \d+ bytes of memory to be inflated: that is the window of its zstd, and the limit is 134217728$/,
    });
  }
});

Deno.test("without a window, all that a frame holds has to be kept", async () => {
  const size = (bytes: number) => [bytes % 256, (bytes >> 8) % 256, (bytes >> 16) % 256, bytes / 2 ** 24];
  assert.equal(await passAll(frame(0xa0, ...size(2 ** 27))), 12);
  await assert.rejects(passAll(frame(0xa0, ...size(2 ** 27 + 1))), { message: /needs 134217729 bytes of memory/ });
  assert.equal(await passAll(frame(0x60, 0xff, 0xff)), 10);
});

Deno.test("more frames than their length is worth are refused", async () => {
  const empty = new Uint8Array(zstdCompressSync(new Uint8Array(0)));
  const many = (count: number) => concatBytes(Array.from({ length: count }, () => empty));
  assert.equal(await passAll(many(1000)), 1000 * empty.length);
  await assert.rejects(passAll(many(2000)), {
    code: "invalid",
    message: "x.tar.zst has too many frames of zstd for its length",
  });
});
