import { strict as assert } from "node:assert";
import { lockTimeoutOf } from "./content.ts";

Deno.test("clients wait for a locked store for a minute, or as long as somebody has said", () => {
  assert.equal(lockTimeoutOf({}), 60_000);
  assert.equal(lockTimeoutOf({ lockTimeout: 5000 }), 5000);
});
