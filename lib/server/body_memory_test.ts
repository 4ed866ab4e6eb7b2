import { strict as assert } from "node:assert";
import { setImmediate } from "node:timers";
import type { ByteStream } from "../content/mod.ts";
import { ApiError } from "./api_error.ts";
import { BodyMemory } from "./body_memory.ts";

const KIB = 1024;

/** A body whose parts the test lets come; it ends with the signal, as one that is read from a client does. */
function body() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const read = async function* (signal: AbortSignal): ByteStream {
    const reader = readable.getReader();
    const gone = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), gone]);
      if (done) return;
      yield value;
    }
  };
  return { read, send: (size: number) => writer.write(new Uint8Array(size)), end: () => writer.close() };
}

async function* whole(size: number): ByteStream {
  yield new Uint8Array(size);
}

const isRefused = (error: unknown) =>
  error instanceof ApiError && error.status === 503 && error.options.headers?.["Retry-After"] === "1";

Deno.test("a body comes as it was sent, however many parts it has", async () => {
  const memory = new BodyMemory(1024 * KIB);
  const parts = Array.from({ length: 1000 }, (_, at) => new Uint8Array(at).fill(at));
  for (const length of [undefined, 499_500]) {
    using gathered = await memory.gather(async function* () {
      yield* parts;
    }, length);
    assert.deepEqual(gathered.bytes, new Uint8Array(parts.flatMap((part) => [...part])));
  }
});

Deno.test("where there is no room left, the largest body that is still coming is broken off, not the newcomer", async () => {
  const memory = new BodyMemory(100 * KIB);
  const [small, large] = [body(), body()];
  const gathering = memory.gather(small.read, 20 * KIB);
  const refused = assert.rejects(memory.gather(large.read, 80 * KIB), isRefused);
  await Promise.all([small.send(20 * KIB), large.send(70 * KIB)]);
  using newcomer = await memory.gather(() => whole(40 * KIB), 40 * KIB);
  await refused;
  assert.equal(newcomer.bytes.length, 40 * KIB);
  await small.end();
  using gathered = await gathering;
  assert.equal(gathered.bytes.length, 20 * KIB);
});

Deno.test("who sends thousands of small bodies and ends none keeps no other's larger one out", async () => {
  const memory = new BodyMemory(100 * KIB);
  const held = Array.from({ length: 10 }, () => body());
  const gathering = Promise.allSettled(held.map(({ read }) => memory.gather(read, 10 * KIB, "many")));
  await Promise.all(held.map(({ send }) => send(5 * KIB)));
  await assert.rejects(memory.gather(() => whole(20 * KIB), 20 * KIB, "many"), isRefused);
  using other = await memory.gather(() => whole(20 * KIB), 20 * KIB, "one");
  assert.equal(other.bytes.length, 20 * KIB);
  await Promise.all(held.map(({ end }) => end()));
  const refused = (await gathering).map((each) => each.status === "rejected" && isRefused(each.reason));
  assert.deepEqual(refused, [true, true, ...Array(8).fill(false)]);
});

Deno.test("what has come whole keeps its memory until it is let go of; who finds none is told to come again", async () => {
  const memory = new BodyMemory(100 * KIB);
  {
    using _held = await memory.gather(() => whole(90 * KIB), 90 * KIB);
    await assert.rejects(memory.gather(() => whole(20 * KIB), 20 * KIB), isRefused);
  }
  using gathered = await memory.gather(() => whole(100 * KIB), 100 * KIB);
  assert.equal(gathered.bytes.length, 100 * KIB);
});

Deno.test("a body that breaks gives its memory free", async () => {
  const memory = new BodyMemory(100 * KIB);
  const broken = async function* (): ByteStream {
    yield new Uint8Array(80 * KIB);
    throw new Error("gone");
  };
  await assert.rejects(memory.gather(broken, 100 * KIB), /gone/);
  using gathered = await memory.gather(() => whole(100 * KIB), 100 * KIB);
  assert.equal(gathered.bytes.length, 100 * KIB);
});

Deno.test("large bodies are worked on one after the other, small ones beside", async () => {
  const memory = new BodyMemory(10_000 * KIB);
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  using first = await memory.gather(() => whole(300 * KIB));
  using second = await memory.gather(() => whole(300 * KIB));
  using small = await memory.gather(() => whole(1 * KIB));
  const done: string[] = [];
  const working = memory.work(first, () => held.then(() => done.push("first")));
  const next = memory.work(second, async () => done.push("second"));
  await memory.work(small, async () => done.push("small"));
  letGo();
  await Promise.all([working, next]);
  assert.deepEqual(done, ["small", "first", "second"]);
});

Deno.test("between two large bodies others have several turns", async () => {
  const memory = new BodyMemory(10_000 * KIB);
  using first = await memory.gather(() => whole(300 * KIB));
  using second = await memory.gather(() => whole(300 * KIB));
  const done: string[] = [];
  const works = [first, second].map((each) => memory.work(each, async () => void done.push("large")));
  await works[0];
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  done.push("others");
  await Promise.all(works);
  assert.deepEqual(done, ["large", "others", "large"]);
});
