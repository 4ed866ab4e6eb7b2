import { strict as assert } from "node:assert";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { ROOT } from "../../../tests/harness/paths.ts";
import { concatBytes } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import { inChunks, longNameEntry, paxEntry, setChecksum, tarOf } from "../_testing_tar.ts";
import { compressionOf, inflate } from "../bytes/compression.ts";
import { InflationLimit } from "../bytes/inflation_limit.ts";
import { memoryAccess } from "../bytes/spool.ts";
import { openTar } from "./files.ts";
import { TarStream } from "./stream.ts";

const BLOCK = 512;

/** Archives that are changed: one that ig wrote, and one with all that a tar may have in it. */
const ORIGINALS: readonly Uint8Array[] = [
  Deno.readFileSync(join(ROOT, "tests/fixtures/ig-export-signed.tar")),
  tarOf([
    { path: "./", type: "5" },
    paxEntry({ comment: "of all" }, "g"),
    { path: "./oci-layout", content: "{}" },
    { path: "oci-layout", content: "{}" },
    paxEntry({ path: `blobs/sha256/${"a".repeat(128)}`, size: "700", mtime: "1.25" }),
    { path: "cut", content: "a".repeat(700) },
    longNameEntry(`dd/${"b".repeat(200)}`),
    { path: "cut", content: "b" },
    { path: "bb/layer.tar", type: "2", target: "../aa/layer.tar" },
    { path: "device", type: "3" },
    { path: "manifest.json", magic: "ustar  \0", content: "[]" },
    { path: "v7", magic: undefined, type: "\0", content: "x".repeat(1024) },
    { path: "big", size: new Uint8Array([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]), content: "y".repeat(512) },
  ]),
];

/** One change; positions are taken modulo the length of what is changed. */
type Change =
  | { kind: "byte"; at: number; value: number }
  | { kind: "field"; block: number; offset: number; text: Uint8Array }
  | { kind: "cut"; at: number }
  | { kind: "copy"; from: number; to: number; blocks: number }
  | { kind: "insert"; block: number; bytes: Uint8Array };

/** What is put into a header: numbers that lie, types, and noise. */
const fieldText = fc.oneof(
  fc.constantFrom("77777777777\0", "-0000000001\0", "00000000000\0", "00000001000\0", "99999999999\0", "").map(bytesOf),
  fc.uint8Array({ minLength: 1, maxLength: 12 }),
  fc.uint8Array({ minLength: 11, maxLength: 11 }).map((rest) => new Uint8Array([0x80, ...rest])),
);

/** Where a header has its name, size, sum, type, magic and prefix. */
const fieldOffset = fc.constantFrom(0, 124, 124, 124, 148, 156, 156, 157, 257, 345);

const number = fc.nat(1 << 20);

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("byte" as const), at: number, value: fc.nat(255) }),
  fc.record({ kind: fc.constant("field" as const), block: number, offset: fieldOffset, text: fieldText }),
  fc.record({ kind: fc.constant("field" as const), block: number, offset: fc.constant(156), text: typeText() }),
  fc.record({ kind: fc.constant("cut" as const), at: number }),
  fc.record({ kind: fc.constant("copy" as const), from: number, to: number, blocks: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("insert" as const), block: number, bytes: fc.uint8Array({ maxLength: 600 }) }),
);

function typeText(): fc.Arbitrary<Uint8Array> {
  return fc.constantFrom(..."01234567xgLKSDMVN\0Z").map(bytesOf);
}

/** A tar with some changes; the sums of headers are right in most of them, so that what is behind the sums is reached. */
const mutated = fc.record({
  original: fc.constantFrom(...ORIGINALS.map((tar) => ({ tar, headers: headersOf(tar) }))),
  changes: fc.array(change, { minLength: 1, maxLength: 4 }),
  withSums: fc.integer({ min: 0, max: 3 }).map((each) => each > 0),
}).map(({ original, changes, withSums }) => {
  let tar: Uint8Array = original.tar.slice();
  for (const each of changes) tar = apply(tar, each, original.headers, withSums);
  return tar;
});

/** Where the headers of an honest tar are. */
function headersOf(tar: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = 0; at < tar.length; at += BLOCK) {
    if (new TextDecoder().decode(tar.subarray(at + 100, at + 107)) === "0000644" || tar[at + 99 + 1] === 0x30) {
      found.push(at);
    }
  }
  return found;
}

function apply(tar: Uint8Array, change: Change, headers: readonly number[], withSums: boolean): Uint8Array {
  if (tar.length === 0) return tar;
  switch (change.kind) {
    case "byte":
      tar[change.at % tar.length] = change.value;
      return tar;
    case "field": {
      const header = headers[change.block % headers.length];
      if (header + BLOCK > tar.length) return tar;
      tar.set(change.text, header + change.offset);
      if (withSums && change.offset !== 148) setChecksum(tar, header);
      return tar;
    }
    case "cut":
      return tar.slice(0, change.at % tar.length);
    case "copy": {
      const [from, to] = [change.from, change.to].map((at) => (at % Math.ceil(tar.length / BLOCK)) * BLOCK);
      tar.copyWithin(to, from, from + change.blocks * BLOCK);
      return tar;
    }
    case "insert": {
      const at = (change.block % Math.ceil(tar.length / BLOCK)) * BLOCK;
      return concatBytes([tar.subarray(0, at), change.bytes, tar.subarray(at)]);
    }
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Lets errors pass that the reader is to throw. */
async function isTold<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SatchelError && error.code === "invalid" && error.message.length < 2000) return undefined;
    throw error;
  }
}

/** Paths and the number of bytes of all files; asserts that they lie in the tar. */
async function readInAnyOrder(tar: Uint8Array): Promise<[string, number][]> {
  let steps = 0;
  const access = memoryAccess(tar);
  const read = access.read;
  using files = await openTar(
    {
      ...access,
      read(into, position) {
        // Each block at most twice, when there are two of one path, and the files once more.
        assert(++steps <= 4 * (tar.length / BLOCK) + 10, "it reads on and on");
        assert(into.length <= 1024 * 1024 + BLOCK && position >= 0, "it takes memory for what cannot be there");
        return read(into, position);
      },
    },
    "x.tar",
    {},
  );
  const found: [string, number][] = [];
  for (const file of files.list()) {
    let size = 0;
    for await (const chunk of file.open()) size += chunk.length;
    assert.equal(size, file.size);
    assert(!/^\/|(^|\/)\.\.(\/|$)/.test(file.path), file.path);
    found.push([file.path, size]);
  }
  assert(found.reduce((sum, [, size]) => sum + size, 0) <= tar.length);
  return found;
}

/** As {@link readInAnyOrder}, as it goes by. */
async function readAsItComes(chunks: AsyncIterable<Uint8Array>, limit?: InflationLimit): Promise<[string, number][]> {
  await using stream = new TarStream("x.tar", chunks, { spoolFolder: "/nonexistent" }, limit);
  const found: [string, number][] = [];
  for (let file = await stream.next(); file; file = await stream.next()) {
    let size = 0;
    for await (const chunk of file.read()) size += chunk.length;
    assert.equal(size, file.size);
    found.push([file.path, size]);
  }
  return found;
}

Deno.test("whatever a tar has become, what is read of it lies in it, and anything else is an error that is told", async () => {
  let good = 0;
  const property = fc.asyncProperty(mutated, async (tar) => {
    if (await isTold(() => readInAnyOrder(tar))) good++;
  });
  await fc.assert(property, { numRuns: 40_000 });
  assert(good > 2000, `only ${good} could be read: the changes are too coarse to reach much`);
});

Deno.test("what goes by of any tar is what is in it when it is read in any order", async () => {
  const property = fc.asyncProperty(mutated, fc.integer({ min: 1, max: 3000 }), async (tar, length) => {
    const passed = await isTold(() => readAsItComes(inChunks(tar, length)));
    const files = await isTold(() => readInAnyOrder(tar));
    if (!files || !passed) return;
    const byPath = new Map(passed);
    for (const [path, size] of files) assert.equal(byPath.get(path), size, path);
  });
  await fc.assert(property, { numRuns: 10_000 });
});

Deno.test("bytes of any kind are no tar", async () => {
  const noise = fc.oneof(fc.uint8Array({ maxLength: 3000 }), fc.uint8Array({ maxLength: 3000 }).map(withSum));
  await fc.assert(
    fc.asyncProperty(noise, async (bytes) => void await isTold(() => readInAnyOrder(bytes))),
    { numRuns: 5000 },
  );
});

function withSum(bytes: Uint8Array): Uint8Array {
  if (bytes.length >= BLOCK) setChecksum(bytes, 0);
  return bytes;
}

Deno.test("gzip that was changed is told as damaged, or was not changed where it counts", async () => {
  const tar = ORIGINALS[1];
  const gzip = new Uint8Array(gzipSync(tar));
  const whole = await readAsItComes(inChunks(tar));
  const property = fc.asyncProperty(fc.nat(gzip.length - 1), fc.nat(255), fc.boolean(), async (at, value, cut) => {
    const changed = cut ? gzip.slice(0, at) : gzip.slice();
    if (!cut) changed[at] = value;
    if (compressionOf(changed) === undefined) return;
    const limit = new InflationLimit();
    try {
      const found = await readAsItComes(inflate(inChunks(changed), "gzip", "x.tar.gz", limit), limit);
      assert.deepEqual(found, whole);
    } catch (error) {
      assert(error instanceof SatchelError && ["invalid", "integrity"].includes(error.code), String(error));
    }
  });
  await fc.assert(property, { numRuns: 1000 });
});
