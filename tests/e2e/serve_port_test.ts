import assert from "node:assert/strict";
import { satchel, scratchFolder, startServe, WRITABLE } from "../harness/mod.ts";

Deno.test("a second server does not listen where one listens already, and ends", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  await using served = await startServe({ store, flags: WRITABLE });
  const second = await satchel(["serve", "--listen", served.host, ...WRITABLE], { store });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another program listens there/);
});
