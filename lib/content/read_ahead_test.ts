import assert from "node:assert/strict";
import { SatchelError } from "../error.ts";
import type { Descriptor } from "../oci/mod.ts";
import { readVerified } from "./bytes.ts";
import { MemoryRepository } from "./memory.ts";
import { readingAhead } from "./read_ahead.ts";

/** A repository of small blobs that notes what it is asked for. */
function noted(count: number, size = 10) {
  const memory = new MemoryRepository();
  const blobs = Array.from(
    { length: count },
    (_, at) => memory.add("text/plain", new Uint8Array(size).fill(at + 1)),
  );
  const asked: string[] = [];
  const fetch = (descriptor: Descriptor) => {
    asked.push(descriptor.digest);
    return memory.fetch(descriptor);
  };
  return { memory, blobs, asked, source: { fetch } };
}

const LIMIT = 4 * 1024 * 1024;

Deno.test("what comes next is fetched with what is asked for, up to the concurrency, and each once", async () => {
  const { blobs, asked, source } = noted(10);
  const ahead = readingAhead(source, blobs, { concurrency: 3 });
  assert.equal(asked.length, 0);
  await readVerified(ahead.fetch(blobs[0]), blobs[0], LIMIT);
  assert.deepEqual(asked, blobs.slice(0, 4).map(({ digest }) => digest));
  for (const blob of blobs.slice(1)) await readVerified(ahead.fetch(blob), blob, LIMIT);
  assert.deepEqual(asked, blobs.map(({ digest }) => digest));
});

Deno.test("what is large is fetched when it is asked for", async () => {
  const { blobs, asked, source } = noted(3, 256 * 1024 + 1);
  const ahead = readingAhead(source, blobs);
  await readVerified(ahead.fetch(blobs[0]), blobs[0], LIMIT);
  assert.deepEqual(asked, [blobs[0].digest]);
});

Deno.test("what cannot be had is an error for whoever asks for it, and for nobody before", async () => {
  const { memory, blobs, source } = noted(2);
  memory.contents.delete(blobs[1].digest);
  const ahead = readingAhead(source, blobs);
  await readVerified(ahead.fetch(blobs[0]), blobs[0], LIMIT);
  await assert.rejects(readVerified(ahead.fetch(blobs[1]), blobs[1], LIMIT), { code: "not-found" });
});

Deno.test("wrong bytes are taken from another place where the source has one", async () => {
  const { memory, blobs } = noted(1);
  let isDistrusted = false;
  const source = {
    async *fetch(descriptor: Descriptor) {
      if (isDistrusted) yield* memory.fetch(descriptor);
      else yield new Uint8Array(10);
    },
    distrust: () => !isDistrusted && (isDistrusted = true),
  };
  const bytes = await readVerified(readingAhead(source, blobs).fetch(blobs[0]), blobs[0], LIMIT);
  assert.equal(bytes[0], 1);
  memory.contents.clear();
  await assert.rejects(readVerified(readingAhead(source, blobs).fetch(blobs[0]), blobs[0], LIMIT), SatchelError);
});
