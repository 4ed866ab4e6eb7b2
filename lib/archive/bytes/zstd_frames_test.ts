import { strict as assert } from "node:assert";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { concatBytes } from "../../content/mod.ts";
import { inChunks } from "../_testing_tar.ts";
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
      code: "refused",
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

/** What each frame inflates to, out of chunks of a few bytes. */
async function inflated(bytes: Uint8Array, length: number): Promise<string[]> {
  const texts: string[] = [];
  for await (const frame of zstdFrames(inChunks(bytes, length), "x.tar.zst")) {
    const parts = await Array.fromAsync(frame, (chunk) => chunk.slice());
    texts.push(new TextDecoder().decode(zstdDecompressSync(concatBytes(parts))));
  }
  return texts;
}

/** A frame that carries something else than content. */
const skippable = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);

/** A frame with a checksum. */
const compressed = (text: string) =>
  new Uint8Array(zstdCompressSync(new TextEncoder().encode(text), { params: { [constants.ZSTD_c_checksumFlag]: 1 } }));

Deno.test("each frame comes whole and by itself, and what carries no content is passed over", async () => {
  const texts = ["first", "x".repeat(300_000), Array.from({ length: 20_000 }, (_, at) => at * at).join()];
  const bytes = concatBytes([skippable, ...texts.flatMap((text) => [compressed(text), skippable])]);
  for (const length of [1, 7, 1000, bytes.length]) {
    // Deno's own compressor puts an empty frame behind a large one.
    assert.deepEqual((await inflated(bytes, length)).filter((text) => text !== ""), texts);
  }
});

Deno.test("an end anywhere but behind a frame is too early, and what follows a frame must be one", async () => {
  const frames = [skippable, compressed("a"), compressed("b".repeat(1000)), skippable];
  const bytes = concatBytes(frames);
  const ends = new Set(frames.map((_, at) => frames.slice(0, at).reduce((sum, { length }) => sum + length, 0)));
  for (let cut = 0; cut < bytes.length; cut++) {
    const passing = passAll(bytes.slice(0, cut));
    if (ends.has(cut)) await passing;
    else await assert.rejects(passing, { code: "invalid" }, `cut at ${cut}`);
  }
  await assert.rejects(passAll(concatBytes([bytes, new Uint8Array(4)])), {
    code: "invalid",
    message: /something else follows/,
  });
});

Deno.test("a block of a kind that there is not is damage", async () => {
  const reserved = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, 7, 0, 0);
  await assert.rejects(passAll(reserved), { message: "x.tar.zst is damaged: its zstd cannot be inflated" });
});
