import { createMetrics } from "../../lib/serving/mod.ts";
import assert from "node:assert/strict";
import { adminHandler, type AdminOptions } from "./admin.ts";

async function health(options: Partial<AdminOptions>): Promise<[number, string]> {
  const metrics = createMetrics({ openRequests: () => 0, residentMemory: () => 0 });
  const handler = adminHandler({ metrics, check: async () => {}, isEnding: () => false, ...options });
  const response = await handler(new Request("http://localhost/healthz"), { address: "127.0.0.1" });
  return [response.status, await response.text()];
}

Deno.test("/healthz is well until what is served cannot be read, or the server ends", async () => {
  assert.deepEqual(await health({}), [200, "ok\n"]);
  assert.deepEqual(await health({ isEnding: () => true }), [503, "it is ending\n"]);
  const check = () => Promise.reject(new Error("no such file"));
  assert.deepEqual(await health({ check }), [503, "what it serves cannot be read\n"]);
});
