import { strict as assert } from "node:assert";
import { type Content, MemoryRepository } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import { type Descriptor, digestOf } from "../../oci/mod.ts";
import { bytesOf, passing, type TestStream } from "../_testing_layout.ts";
import { layoutPath } from "../layout.ts";
import { pourStream } from "./pour.ts";

const MEDIA_TYPE = "application/octet-stream";

/** A target that remembers what was pushed. */
class Target extends MemoryRepository {
  readonly pushed: string[] = [];
  override async push(descriptor: Descriptor, content: Content): Promise<void> {
    this.pushed.push(descriptor.digest);
    await super.push(descriptor, content);
  }
}

const describe = (bytes: Uint8Array): Descriptor => ({
  mediaType: MEDIA_TYPE,
  digest: digestOf(bytes),
  size: bytes.length,
});

/** A stream of blobs that remembers which of them were read. */
function streamOf(blobs: readonly Uint8Array[]): TestStream & { read: string[] } {
  const read: string[] = [];
  const stream = passing(new Map(blobs.map((bytes) => [layoutPath(digestOf(bytes)), bytes])));
  const next = stream.next.bind(stream);
  stream.next = async () => {
    const file = await next();
    return file && {
      ...file,
      read() {
        read.push(file.path);
        return file.read();
      },
    };
  };
  return Object.assign(stream, { read });
}

for (const [what, size] of [["small", 1000], ["large", 2 * 1024 * 1024]] as const) {
  const bytes = () => new Uint8Array(size).fill(7);

  Deno.test(`a ${what} blob that is at the target is not written again`, async () => {
    const target = new Target();
    const there = target.add(MEDIA_TYPE, bytes());
    let passed = 0;
    const stream = streamOf([bytes()]);
    const { missing } = await pourStream(stream, target, [there], { onBytes: (count) => passed += count });
    assert.deepEqual([target.pushed, missing, passed], [[], [], size]);
  });

  for (const difference of [1, -1]) {
    Deno.test(`a ${what} blob of ${difference} bytes more than its image says is damaged without being read`, async () => {
      const said = { ...describe(bytes()), size: size - difference };
      const target = new Target();
      const stream = streamOf([bytes()]);
      const damaged: [Descriptor, string][] = [];
      await pourStream(stream, target, [said], { onDamaged: (each, { message }) => damaged.push([each, message]) });
      assert.deepEqual(damaged, [[said, `${said.digest} has ${size} bytes, not ${said.size} as its image says`]]);
      assert.deepEqual([stream.read, target.pushed], [[], []]);
      await assert.rejects(pourStream(streamOf([bytes()]), target, [said], {}), { code: "integrity" });
    });
  }
}

Deno.test("what nobody wants is not read, and what does not come is missing", async () => {
  const [wanted, other] = [bytesOf("wanted"), bytesOf("not wanted")];
  const stream = streamOf([other, wanted]);
  const target = new Target();
  const absent = describe(bytesOf("absent"));
  const { missing } = await pourStream(stream, target, [describe(wanted), absent], {});
  assert.deepEqual([missing, target.pushed], [[absent], [digestOf(wanted)]]);
  assert.deepEqual(stream.read, [layoutPath(digestOf(wanted))]);
  assert.equal(stream.announced, wanted.length + absent.size);
});

Deno.test("a target that fails ends it, also when others are still being written", async () => {
  const blobs = Array.from({ length: 40 }, (_, at) => bytesOf(`blob ${at}`));
  const target = new Target();
  target.push = ({ digest }) =>
    digest === digestOf(blobs[3]) ? Promise.reject(new SatchelError("storage", "the disk is full")) : Promise.resolve();
  const stream = streamOf(blobs);
  await assert.rejects(pourStream(stream, target, blobs.map(describe), {}), { message: "the disk is full" });
  assert.ok(stream.read.length < blobs.length);
});
