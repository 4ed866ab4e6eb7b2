import { strict as assert } from "node:assert";
import type { Answered } from "../../lib/server/mod.ts";
import { accessLine } from "./access_log.ts";

const NOW = new Date("2026-01-02T03:04:05.678Z");

const PLAIN: Answered = {
  method: "GET",
  path: "/v2/demo/blobs/sha256:00",
  status: 200,
  bytes: 12,
  duration: 1.23456,
  client: "127.0.0.1",
  endpoint: "blob",
};

Deno.test("an answer is a line of text, or one of JSON", () => {
  assert.equal(
    accessLine(PLAIN, "text", NOW),
    '2026-01-02T03:04:05.678Z 127.0.0.1 - "GET /v2/demo/blobs/sha256:00" 200 12 1.2ms\n',
  );
  assert.deepEqual(JSON.parse(accessLine({ ...PLAIN, user: "jane" }, "json", NOW)), {
    time: "2026-01-02T03:04:05.678Z",
    client: "127.0.0.1",
    user: "jane",
    method: "GET",
    path: "/v2/demo/blobs/sha256:00",
    status: 200,
    bytes: 12,
    duration: 1.235,
  });
});

Deno.test("nothing that a client sends begins a new line, ends the quotes or moves the cursor", () => {
  const hostile = { ...PLAIN, method: "G\x1b[2J", path: '/a" 200\n\u202e\u{e0041}', user: 'x" y\r\n' };
  const text = accessLine(hostile, "text", NOW);
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  const unsafe = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]|\u{e0041}/u;
  assert.ok(!unsafe.test(text), text);
  assert.equal(text.split("\n").length, 2);
  assert.equal(text.match(/"/g)?.length, 2);
  const json = accessLine(hostile, "json", NOW);
  assert.ok(!unsafe.test(json), json);
  assert.equal(json.split("\n").length, 2);
  assert.equal(JSON.parse(json).path, hostile.path);
});

Deno.test("what is very long is cut", () => {
  for (const format of ["text", "json"] as const) {
    assert.ok(
      accessLine({ ...PLAIN, path: "/".repeat(100_000), user: "u".repeat(100_000) }, format, NOW).length < 2500,
    );
  }
});

Deno.test("what went wrong here is told with its causes", () => {
  const error = new Error("the file system failed", { cause: new Error("Cannot write /store/x: the disk is full") });
  const line = accessLine({ ...PLAIN, status: 507, error }, "text", NOW);
  assert.match(line, /507 12 1\.2ms the file system failed: Cannot write \/store\/x: the disk is full\n$/);
});
