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

Deno.test("HEAD is answered with the headers of GET, its length and date among them", async () => {
  await using scratch = await scratchFolder();
  await using served = await startServe({ store: scratch.at("store"), flags: WRITABLE });
  for (const path of ["/v2/", "/v2/_catalog", "/v2/none/manifests/v1", "/"]) {
    const [get, head] = [await served.fetch(path), await served.fetch(path, { method: "HEAD" })];
    const length = (await get.bytes()).length;
    assert.equal((await head.bytes()).length, 0);
    assert.deepEqual([head.status, head.headers.get("Content-Length")], [get.status, String(length)], path);
    assert.match(head.headers.get("Date")!, /^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/);
    assert.deepEqual([...head.headers.keys()], [...get.headers.keys()]);
  }
});
