import assert from "node:assert/strict";
import { suggestions } from "./suggest.ts";

const NAMES = ["pull", "push", "list", "ls", "remove", "insecure-registries"];

Deno.test("what is nearly right is suggested", () => {
  assert.deepEqual(suggestions("pul", NAMES), ["pull", "push"]);
  assert.deepEqual(suggestions("pusll", NAMES), ["pull", "push"]);
  assert.deepEqual(suggestions("insecure-registry", NAMES), ["insecure-registries"]);
  assert.deepEqual(suggestions("insecure-regstries", NAMES), ["insecure-registries"]);
});

Deno.test("what starts the same is suggested, in any case", () => {
  assert.deepEqual(suggestions("insec", NAMES), ["insecure-registries"]);
  assert.deepEqual(suggestions("REM", NAMES), ["remove"]);
});

Deno.test("nothing is suggested for something else, for nothing, and for a flood", () => {
  assert.deepEqual(suggestions("export", NAMES), []);
  assert.deepEqual(suggestions("", NAMES), []);
  assert.deepEqual(suggestions("p".repeat(100_000), NAMES), []);
});
