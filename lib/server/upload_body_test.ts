import { strict as assert } from "node:assert";
import { ApiError } from "./api_error.ts";
import type { Exchange } from "./exchange.ts";
import { bodyOf } from "./upload_body.ts";

/** A body of which a chunk comes every few milliseconds, without end. */
function trickle(chunk: number, every: number): { request: Request; ended: Promise<void> } {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let timer: ReturnType<typeof setTimeout>;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) =>
      new Promise((resolve) => {
        timer = setTimeout(() => {
          controller.enqueue(new Uint8Array(chunk));
          resolve();
        }, every);
      }),
    cancel: () => {
      clearTimeout(timer);
      resolve();
    },
  }, { highWaterMark: 0 });
  return { request: new Request("http://registry.test/", { method: "PUT", body }), ended };
}

function exchange(request: Request, uploadSilence: number): Exchange {
  return { request, uploadSilence } as Exchange;
}

Deno.test("a body of which a byte comes now and then is ended with 408, although it is never silent", async () => {
  const { request, ended } = trickle(1, 5);
  let size = 0;
  const read = async () => {
    for await (const chunk of bodyOf(exchange(request, 200), { limit: Infinity })) size += chunk.length;
  };
  await assert.rejects(read, (error) => error instanceof ApiError && error.status === 408);
  assert.ok(size > 0);
  await ended;
});

Deno.test("a slow body goes on for as long as it takes", async () => {
  const { request, ended } = trickle(100, 5);
  let size = 0;
  // Many times as long as it may be silent.
  for await (const chunk of bodyOf(exchange(request, 50), { limit: Infinity })) {
    size += chunk.length;
    if (size >= 10_000) break;
  }
  assert.equal(size, 10_000);
  await ended;
});

Deno.test("a body without a length whose client has gone is no whole one, although it ends", async () => {
  const gone = new AbortController();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      gone.abort();
      controller.close();
    },
  }, { highWaterMark: 0 });
  const request = new Request("http://registry.test/", { method: "PUT", body });
  const cut = { body: request.body, signal: gone.signal } as Request;
  await assert.rejects(async () => {
    for await (const _ of bodyOf(exchange(cut, 1000), { limit: 10 })) assert.fail("there is nothing in it");
  }, (error) => error instanceof ApiError && error.code === "BLOB_UPLOAD_INVALID");
});
