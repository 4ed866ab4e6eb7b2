import assert from "node:assert/strict";
import { parseConcurrency, parseDuration, splitList } from "./flags.ts";

Deno.test("durations are read in milliseconds", () => {
  assert.equal(parseDuration("0"), 0);
  assert.equal(parseDuration("300ms"), 300);
  assert.equal(parseDuration("1.5s"), 1500);
  assert.equal(parseDuration("1h30m"), 5_400_000);
  assert.equal(parseDuration("7d"), 604_800_000);
});

Deno.test("what is no duration is not guessed at", () => {
  for (const text of ["", "5", "s", "-1s", "1 s", "1y", "1s ", "0x1s", "1e3s"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

Deno.test("concurrency is a whole number from 1 to 256", () => {
  assert.deepEqual(["1", "256"].map(parseConcurrency), [1, 256]);
  for (const text of ["", "0", "257", "-1", "1.5", "1e2", " 1", "0x1"]) {
    assert.equal(parseConcurrency(text), undefined, text);
  }
});

Deno.test("a list has no empty entries", () => {
  assert.deepEqual(splitList(" a,, b ,"), ["a", "b"]);
  assert.deepEqual(splitList(""), []);
});
