import assert from "node:assert/strict";
import fc from "fast-check";
import { concatBytes, MemoryRepository, planCopy } from "../../content/mod.ts";
import { hasCode } from "../../error.ts";
import { type Descriptor, Digester, digestOf, MediaType } from "../../oci/mod.ts";
import { type ArchiveDraft, Drafter } from "./draft.ts";
import type { ArchiveSink } from "./sink.ts";
import { memoryAccess } from "../bytes/spool.ts";
import { openTar } from "../tar/files.ts";
import { writeArchive } from "./write.ts";

const NAME = "example.org/demo/app:v1";

/** Keeps what is written; chunks must not be kept by whoever gets them. */
function memorySink(): ArchiveSink & { bytes(): Uint8Array } {
  const chunks: Uint8Array[] = [];
  return {
    write: (bytes) => void chunks.push(bytes.slice()),
    finish: () => Promise.resolve([]),
    bytes: () => concatBytes(chunks),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Counts and hashes what is written. */
function countingSink(): ArchiveSink & { size: number; digester: Digester } {
  const digester = new Digester();
  return {
    size: 0,
    digester,
    write(bytes) {
      this.size += bytes.length;
      digester.update(bytes);
    },
    finish: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function imageOf(source: MemoryRepository, ...layers: string[]): Descriptor {
  const config = source.add("application/vnd.gadget.config.v1+yaml", "name: app");
  const parts = layers.map((layer) => source.add("application/octet-stream", layer));
  return source.addManifest({ mediaType: MediaType.ociManifest, config, layers: parts }, "v1");
}

async function draftOf(source: MemoryRepository): Promise<ArchiveDraft> {
  const drafter = new Drafter();
  drafter.add({ name: NAME, plan: await planCopy(source, "v1") });
  return drafter.finish();
}

Deno.test("what is announced is what is written, to the byte, and so are the digest and the progress", async () => {
  const source = new MemoryRepository();
  imageOf(source, "", "x", "y".repeat(511), "z".repeat(512), "l".repeat(300_000));
  const draft = await draftOf(source);
  const sink = memorySink();
  const seen: [number, number][] = [];
  const digest = await writeArchive(draft, source, sink, { onProgress: (...each) => seen.push(each) });
  assert.equal(sink.bytes().length, draft.size);
  assert.equal(digest, digestOf(sink.bytes()));
  assert.deepEqual(seen.at(-1), [draft.size, draft.size]);
  assert.ok(seen.every(([done], at) => at === 0 || done > seen[at - 1][0]));
});

Deno.test("an archive that is large enough to be hashed beside its blobs has the same digest", async () => {
  const source = new MemoryRepository();
  imageOf(source, "large ".repeat(6_000_000));
  const draft = await draftOf(source);
  const sink = countingSink();
  const digest = await writeArchive(draft, source, sink);
  assert.equal(sink.size, draft.size);
  assert.equal(digest, sink.digester.digest());
});

/** Reads an archive as somebody else would. */
async function checkArchive(bytes: Uint8Array, draft: ArchiveDraft): Promise<void> {
  using files = await openTar(memoryAccess(bytes), "x.tar", {});
  for (const { path, size, open } of files.list()) {
    const digester = new Digester();
    for await (const chunk of open()) digester.update(chunk);
    const [, hex] = path.split("blobs/sha256/");
    if (hex) assert.equal(digester.digest(), `sha256:${hex}`, `${path} of ${size} bytes`);
  }
  assert.deepEqual([...files.list()].map(({ path }) => path), draft.files.map(({ entry }) => entry.path));
}

/** Sizes about the limits at which pieces are written together. */
const someSize = fc.oneof(
  fc.nat(2_000),
  fc.tuple(fc.constantFrom(64, 128, 256, 300), fc.integer({ min: -2_000, max: 2_000 })).map(([kib, more]) =>
    kib * 1024 + more
  ),
  fc.integer({ min: 64 * 1024, max: 300 * 1024 }),
);

Deno.test("whatever sizes blobs have, and the pieces that they come in, each stands in its place", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(someSize, { maxLength: 8 }),
      someSize.map((size) => Math.max(size, 600)),
      async (sizes, length) => {
        const source = new MemoryRepository();
        imageOf(source, ...sizes.map((size, at) => String(at).repeat(size)));
        const draft = await draftOf(source);
        const fetch: MemoryRepository["fetch"] = async function* (descriptor, options) {
          for await (const bytes of source.fetch(descriptor, options)) {
            for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
          }
        };
        const sink = memorySink();
        await writeArchive(draft, { fetch }, sink);
        await checkArchive(sink.bytes(), draft);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("an archive that is not what it should be is no success, whatever digest it has", async () => {
  const source = new MemoryRepository();
  imageOf(source, "layer", "l".repeat(200_000));
  const draft = await draftOf(source);
  const good = memorySink();
  await writeArchive(draft, source, good);
  for (const change of [swapped, withoutEnd, (bytes: Uint8Array) => concatBytes([bytes, new Uint8Array(512)])]) {
    const bytes = change(good.bytes());
    const sink = { ...memorySink(), readAgain: (at: number, length: number) => bytes.subarray(at, at + length) };
    await assert.rejects(
      writeArchive(draft, source, sink),
      (error) => hasCode(error, "integrity") && /What was written is no whole archive/.test(error.message),
    );
  }
});

/** Two blocks, the first of which is a header, in each other's place. */
function swapped(bytes: Uint8Array): Uint8Array {
  return concatBytes([
    bytes.subarray(0, 1024),
    bytes.subarray(1536, 2048),
    bytes.subarray(1024, 1536),
    bytes.subarray(2048),
  ]);
}

function withoutEnd(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, -1024);
}

Deno.test("a blob of other bytes, of fewer or of more, ends it and is named", async () => {
  for (const wrong of ["Layer", "laye", "layers"]) {
    const source = new MemoryRepository();
    imageOf(source, "layer");
    const draft = await draftOf(source);
    const { digest } = source.add("application/octet-stream", "layer");
    const fetch: MemoryRepository["fetch"] = (descriptor, options) =>
      descriptor.digest === digest ? one(new TextEncoder().encode(wrong)) : source.fetch(descriptor, options);
    await assert.rejects(
      writeArchive(draft, { fetch }, memorySink()),
      (error) => hasCode(error, "integrity") && error.message.includes(digest),
    );
  }
});

async function* one(bytes: Uint8Array) {
  yield bytes;
}

Deno.test("two sizes of one content are a contradiction", async () => {
  const source = new MemoryRepository();
  imageOf(source, "layer");
  const plan = await planCopy(source, "v1");
  const drafter = new Drafter();
  drafter.add({ name: NAME, plan });
  const blobs = plan.blobs.map((blob) => ({ ...blob, size: blob.size + 1 }));
  assert.throws(
    () => drafter.add({ name: "example.org/b:v1", plan: { ...plan, blobs } }),
    (error) => hasCode(error, "invalid"),
  );
});

Deno.test("a signal ends it between two chunks", async () => {
  const source = new MemoryRepository();
  imageOf(source, "layer");
  const controller = new AbortController();
  const draft = await draftOf(source);
  controller.abort();
  await assert.rejects(
    writeArchive(draft, source, memorySink(), { signal: controller.signal }),
    (error) => hasCode(error, "cancelled"),
  );
});
