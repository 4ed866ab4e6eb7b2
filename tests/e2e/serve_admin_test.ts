import assert from "node:assert/strict";
import { makeGadget, scratchFolder, type Served, startServe, WRITABLE } from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

function adminUrl({ process }: Served): Promise<string> {
  return process.waitFor((line) => /^Metrics are on (http:\S+)\/metrics$/.exec(line)?.[1]);
}

Deno.test("/metrics counts requests by method, endpoint and status, and bytes, and asks for no account", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const image = makeGadget();
  await writeStore(store, [{ image, name: "ghcr.io/inspektor-gadget/gadget/trace_open:latest" }]);
  await using served = await startServe({ store, flags: ["--admin-listen", "127.0.0.1:0"] });
  const admin = await adminUrl(served);
  const blob = image.blobs[0];
  const paths = [`blobs/${blob.digest}`, `blobs/${blob.digest}`, "blobs/sha256:00", "tags/list", "nothing"];
  for (const path of paths) await (await served.fetch(`/v2/trace_open/${path}`)).arrayBuffer();
  await (await served.fetch("/v2/", { method: "PROPFIND" })).arrayBuffer();
  const response = await fetch(`${admin}/metrics`);
  assert.match(response.headers.get("Content-Type")!, /^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split("\n");
  for (
    const line of [
      'satchel_http_requests_total{method="GET",endpoint="blob",status="200"} 2',
      'satchel_http_requests_total{method="GET",endpoint="blob",status="400"} 1',
      'satchel_http_requests_total{method="GET",endpoint="tags",status="200"} 1',
      'satchel_http_requests_total{method="GET",endpoint="other",status="404"} 1',
      "satchel_http_requests_open 0",
    ]
  ) assert.ok(lines.includes(line), `${line} is missing in:\n${lines.join("\n")}`);
  const sent = lines.find((line) => line.startsWith('satchel_http_response_bytes_total{endpoint="blob"}'));
  assert.ok(Number(sent?.split(" ")[1]) >= 2 * blob.bytes.length, sent);
  assert.ok(
    lines.some((line) => line.startsWith('satchel_http_request_duration_seconds_bucket{le="0.001",endpoint="blob"')),
  );
  assert.ok(lines.some((line) => /^process_resident_memory_bytes [1-9]/.test(line)));
});

Deno.test("/healthz says whether the store can be read", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  await writeStore(store, [{ image: makeGadget(), name: "ghcr.io/inspektor-gadget/gadget/trace_open:latest" }]);
  await using served = await startServe({ store, flags: ["--admin-listen", "127.0.0.1:0"] });
  const admin = await adminUrl(served);
  const health = async () => {
    const response = await fetch(`${admin}/healthz`);
    return [response.status, await response.text()];
  };
  assert.deepEqual(await health(), [200, "ok\n"]);
  await Deno.writeTextFile(`${store}/index.json`, "broken");
  assert.deepEqual(await health(), [503, "what it serves cannot be read\n"]);
});

Deno.test("without --admin-listen there are neither", async () => {
  await using scratch = await scratchFolder();
  await using served = await startServe({ store: scratch.path });
  for (const path of ["/metrics", "/healthz"]) {
    const response = await served.fetch(path);
    assert.equal(response.status, 404);
    await response.text();
  }
});

Deno.test("/healthz is not well where nothing can be pushed and there is no store, which is warned of at the start", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const health = async (served: Served) => {
    const response = await fetch(`${await adminUrl(served)}/healthz`);
    await response.body?.cancel();
    return response.status;
  };
  const flags = ["--admin-listen", "127.0.0.1:0"];
  await using served = await startServe({ store, flags });
  await served.process.waitFor((line) => line.startsWith(`Warning: there is no store in ${store}`) || undefined);
  assert.equal(await health(served), 503);
  await writeStore(store, [{ image: makeGadget(), name: "ghcr.io/inspektor-gadget/gadget/trace_open:latest" }]);
  assert.equal(await health(served), 200);
  await Deno.remove(store, { recursive: true });
  assert.equal(await health(served), 503);
  await using writable = await startServe({ store, flags: [...flags, ...WRITABLE] });
  assert.equal(await health(writable), 200);
});
