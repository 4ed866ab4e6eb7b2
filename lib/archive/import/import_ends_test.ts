import { strict as assert } from "node:assert";
import { contentOf, MemoryRepository } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import type { Descriptor } from "../../oci/mod.ts";
import { Arrivals } from "./import_ends.ts";

/** Whoever waits is let go by hand. */
function gate() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { promise, open: resolve, fail: reject };
}

/** A target that takes content in when it is told to. */
function slowTarget() {
  const started: string[] = [];
  const way = gate();
  const target = new MemoryRepository("target");
  const push = target.push.bind(target);
  target.push = async (descriptor, content) => {
    started.push(descriptor.digest);
    await way.promise;
    await push(descriptor, content);
  };
  return { target, started, way };
}

const LARGE = 100_000;

function contents(count: number, size: number) {
  const source = new MemoryRepository();
  return Array.from({ length: count }, (_, at) => {
    const bytes = new Uint8Array(size).fill(at);
    return { descriptor: source.add("a/b", bytes), content: contentOf(bytes) };
  });
}

Deno.test("what several copies bring at the same time is taken in once, and whoever asks for it waits", async () => {
  const { target, started, way } = slowTarget();
  const arrived: Descriptor[] = [];
  const arrivals = new Arrivals((descriptor) => arrived.push(descriptor));
  const [{ descriptor, content }] = contents(1, 10);
  const pushes = [1, 2, 3].map(() => arrivals.at(target).push(descriptor, content));
  const isThere = arrivals.at(target).has(descriptor);
  way.open();
  await Promise.all(pushes);
  assert.deepEqual([started, arrived, await isThere], [[descriptor.digest], [descriptor], true]);
});

Deno.test("what failed for all of them can be brought again", async () => {
  const { target, started, way } = slowTarget();
  const arrivals = new Arrivals(() => {});
  const [{ descriptor, content }] = contents(1, 10);
  const pushes = [1, 2].map(() => arrivals.at(target).push(descriptor, content));
  way.fail(new SatchelError("storage", "the disk is full"));
  const ended = await Promise.allSettled(pushes);
  assert.deepEqual(ended.map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(await arrivals.at(target).has(descriptor), false);
  await assert.rejects(arrivals.at(target).push(descriptor, content), { message: "the disk is full" });
  assert.equal(started.length, 2);
});

Deno.test("of what is large no more is taken in at the same time than of one copy; what is small waits for none of it", async () => {
  const { target, started, way } = slowTarget();
  const arrivals = new Arrivals(() => {}, 2);
  const all = [...contents(5, LARGE), ...contents(5, 10)];
  const pushes = all.map(({ descriptor, content }) => arrivals.at(target).push(descriptor, content));
  await new Promise((resolve) => setTimeout(resolve, 0));
  const begun = (size: number) =>
    all.filter(({ descriptor }) => descriptor.size === size && started.includes(descriptor.digest)).length;
  assert.deepEqual([begun(LARGE), begun(10)], [2, 5]);
  way.open();
  await Promise.all(pushes);
  assert.equal(started.length, 10);
});

Deno.test("the repositories of one store are made ready together", async () => {
  let prepared = 0;
  const target = Object.assign(new MemoryRepository(), { prepare: async () => void prepared++ });
  const arrivals = new Arrivals(() => {});
  await Promise.all([1, 2, 3].map(() => arrivals.at(target).prepare()));
  assert.equal(prepared, 1);
});
