import { rejects } from "node:assert/strict";
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
  using sent = await exchange(url, init, { fetch, roleOf: () => "registry", idleTimeout, signal });
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
