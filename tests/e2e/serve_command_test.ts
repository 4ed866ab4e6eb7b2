import assert from "node:assert/strict";
import {
  describe,
  makeGadget,
  satchel,
  satchelByDeno,
  satchelSucceeds,
  scratchFolder,
  startServe,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

const NAME = "ghcr.io/inspektor-gadget/gadget/trace_open:latest";

Deno.test("serve says where it listens, and the pull that it prints works", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  await writeStore(store, [{ image: makeGadget(), name: NAME }]);
  await using served = await startServe({ store });
  const line = await served.process.waitFor((line) => /^Pull with: satchel (.+)$/.exec(line)?.[1]);
  assert.match(line, /\/ghcr\.io\/inspektor-gadget\/gadget\/trace_open:latest$/);
  await satchelSucceeds(line.split(" "), { store: scratch.at("other") });
  const listed = JSON.parse(await satchelSucceeds(["image", "list", "-o", "json"], { store: scratch.at("other") }));
  assert.equal(listed.length, 1);
});

Deno.test("the printed name is the one that is offered to those for whom it is a mirror", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  await writeStore(store, [{ image: makeGadget(), name: NAME }]);
  await using served = await startServe({ store, flags: ["--mirror-of", "ghcr.io"] });
  await served.process.waitFor((line) =>
    line.endsWith(`${served.host}/inspektor-gadget/gadget/trace_open:latest`) || undefined
  );
});

Deno.test("requests are logged as text or JSON, without credentials and without anything that a terminal acts on", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  await using text = await startServe({ store });
  await using json = await startServe({ store, flags: ["--log-format", "json"] });
  const path = "/v2/demo/tags/list?last=%1b%5b2J%22";
  for (const { fetch } of [text, json]) {
    const headers = { Authorization: "Basic c2VjcmV0OnNlY3JldA==", Cookie: "secret=1" };
    await (await fetch(path, { headers })).text();
  }
  const line = await text.process.waitFor((line) => line.includes("/v2/demo/tags/list") ? line : undefined);
  assert.match(
    line,
    /^\d{4}-\d\d-\d\dT[\d:.]+Z 127\.0\.0\.1 - "GET \/v2\/demo\/tags\/list\?last=%1b%5b2J%22" 404 \d+ [\d.]+ms$/,
  );
  const entry = JSON.parse(await json.process.waitFor((line) => line.startsWith("{") ? line : undefined));
  assert.deepEqual(Object.keys(entry).sort(), ["bytes", "client", "duration", "method", "path", "status", "time"]);
  assert.deepEqual([entry.path, entry.status, entry.method], [path, 404, "GET"]);
  for (const { process } of [text, json]) assert.ok(!/secret|c2Vj/.test(process.lines.join("\n")));
});

Deno.test("what would let others in without an account has to be said in so many words", async () => {
  for (const flags of [["--writable"], ["--listen", "0.0.0.0:0"], ["--listen", "[::]:0"]]) {
    const outcome = await satchel(["serve", "--listen", "127.0.0.1:0", ...flags]);
    assert.equal(outcome.code, 2, describe(outcome));
    assert.match(outcome.stderr, /--allow-anonymous-push/);
  }
  await using scratch = await scratchFolder();
  await using served = await startServe({ store: scratch.path, flags: ["--writable", "--allow-anonymous-push"] });
  await served.process.waitFor((line) =>
    /^Warning: Everybody on this host can push and delete/.test(line) || undefined
  );
});

Deno.test("an address that is taken is told, with the flag to change", async () => {
  await using scratch = await scratchFolder();
  await using served = await startServe({ store: scratch.path });
  for (const run of [satchel, satchelByDeno]) {
    const outcome = await run(["serve", "--listen", served.host]);
    assert.equal(outcome.code, 1, describe(outcome));
    assert.match(outcome.stderr, new RegExp(`Cannot listen on ${served.host}: another program listens there`));
    assert.match(outcome.stderr, /--listen/);
  }
});

Deno.test("a name of a host and an address of IPv6 are listened on as well", async () => {
  await using scratch = await scratchFolder();
  for (const host of ["localhost", "[::1]"]) {
    const outcome = await satchel(["serve", "--listen", `${host}:99999`], { store: scratch.path });
    assert.equal(outcome.code, 2, describe(outcome));
  }
  await using served = await startServe({ store: scratch.path, flags: ["--listen", "localhost:0"] });
  assert.equal((await served.fetch("/v2/")).status, 200);
});

Deno.test("a page that somebody looks at cannot write through their browser", async () => {
  await using scratch = await scratchFolder();
  await using served = await startServe({ store: scratch.path, flags: ["--writable", "--allow-anonymous-push"] });
  const response = await served.fetch("/v2/demo/blobs/uploads/", {
    method: "POST",
    headers: { Origin: "https://evil.example" },
  });
  assert.equal(response.status, 403);
  assert.equal((await response.json()).errors[0].code, "DENIED");
});
