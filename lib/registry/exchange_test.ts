import { equal, rejects } from "node:assert/strict";
import type { HttpFetch } from "../runtime/mod.ts";
import { exchange } from "./exchange.ts";

const url = new URL("http://registry.example/");
const init = { method: "GET", headers: {} };

/** A runtime that has lost a connection and does not heed the signal either. */
const deaf: Record<string, HttpFetch> = {
  "whose head never comes": () => new Promise(() => {}),
  "whose body never comes": () =>
    Promise.resolve(
      new Response(new ReadableStream({ pull: () => new Promise(() => {}), cancel: () => new Promise(() => {}) })),
    ),
};

async function readAll(fetch: HttpFetch, idleTimeout: number, signal?: AbortSignal): Promise<void> {
  using sent = await exchange(url, init, {
    fetch,
    roleOf: () => "registry",
    clean: (text) => text,
    idleTimeout,
    signal,
  });
  await sent.read(1000);
}

for (const [name, fetch] of Object.entries(deaf)) {
  Deno.test(`an answer ${name} ends by the idle timeout, even if the runtime does not heed it`, async () => {
    await rejects(readAll(fetch, 20), { code: "network", message: /no byte came for 0.02 s/ });
  });

  Deno.test(`an answer ${name} ends by the signal, even if the runtime does not heed it`, async () => {
    const controller = new AbortController();
    const reading = readAll(fetch, 60_000, controller.signal);
    queueMicrotask(() => controller.abort());
    await rejects(reading, { code: "cancelled" });
  });
}

/** What waits, in milliseconds, and gives so many bytes each time. */
function slowBody(pause: number, sizes: number[]): ReadableStream<Uint8Array> {
  const rest = [...sizes];
  return new ReadableStream({
    async pull(sink) {
      await after(pause);
      const size = rest.shift();
      if (size === undefined) sink.close();
      else sink.enqueue(new Uint8Array(size));
    },
  }, { highWaterMark: 0 });
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

const pace = {
  roleOf: () => "registry" as const,
  clean: (text: string) => text,
  idleTimeout: 800,
  slowest: { bytes: 1000, time: 100 },
};

Deno.test("a body that comes more slowly than it may is a failure, though it is never silent for long", async () => {
  const body = slowBody(20, Array(1000).fill(1));
  using sent = await exchange(url, init, { ...pace, fetch: () => Promise.resolve(new Response(body)) });
  const started = performance.now();
  await rejects(sent.read(10_000), { code: "network", message: /: fewer than 1000 bytes came in 0.1 s$/ });
  equal(performance.now() - started < 1000 * 20, true);
});

Deno.test("at the slowest pace that is allowed a body comes to its end", async () => {
  const body = slowBody(20, Array(30).fill(1000));
  using sent = await exchange(url, init, { ...pace, fetch: () => Promise.resolve(new Response(body)) });
  equal((await sent.read(100_000))?.length, 30_000);
});

Deno.test("neither the wait for an answer's head counts for its pace, nor the time of whoever takes the bytes", async () => {
  const fetch = async () => {
    await after(300);
    return new Response(slowBody(0, [10, 10]));
  };
  using sent = await exchange(url, init, { ...pace, fetch });
  let size = 0;
  for await (const chunk of sent.chunks()) {
    size += chunk.length;
    await after(250);
  }
  equal(size, 20);
});
