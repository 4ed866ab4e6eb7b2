import assert from "node:assert/strict";
import { hasCode } from "../error.ts";
import { startCompanion } from "./companion.ts";

const start = (script: string, environment = {}) =>
  startCompanion("/bin/sh", ["-c", script], { environment, greeting: "here", maxOutput: 1000 });
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("a companion is ready when it says its greeting, and ends when it is dismissed", async () => {
  const companion = start("echo $WORD; exec cat", { WORD: "word" });
  assert.equal(await companion.ready, true);
  companion.dismiss();
  const { status, stdout } = await companion.ended;
  assert.deepEqual([status, textOf(stdout)], [0, "word\nhere\n"]);
});

Deno.test("a companion that ends without a greeting never was ready, and what it said is known", async () => {
  const companion = start("echo there; echo no >&2; exit 3");
  assert.equal(await companion.ready, false);
  const { status, stderr } = await companion.ended;
  assert.deepEqual([status, textOf(stderr)], [3, "no\n"]);
});

Deno.test("a companion that goes on without its input is killed with all that it has started", async () => {
  const companion = start("sleep 600 & echo here; wait");
  assert.equal(await companion.ready, true);
  companion.kill();
  assert.equal((await companion.ended).status, 137);
});

Deno.test("a companion that is not there, or talks without end, fails", async () => {
  const missing = startCompanion("/no/such/program", [], { environment: {}, greeting: "here", maxOutput: 1 });
  assert.equal(await missing.ready, false);
  await assert.rejects(missing.ended, (error) => hasCode(error, "program") && /is not there/.test(error.message));
  const talking = start("exec yes");
  assert.equal(await talking.ready, false);
  await assert.rejects(talking.ended, /wrote more than 1000 bytes to stdout/);
});
