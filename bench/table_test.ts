import assert from "node:assert/strict";
import { median } from "./measure.ts";
import { markdown } from "./table.ts";
import type { Tool } from "./tools.ts";

const tool = (name: string): Tool => ({ name, path: name, version: "1.0.0", start: [], localName: () => "" });

Deno.test("the median is the middle one, or the mean of the two in the middle", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

Deno.test("times are shown with their ratio to satchel's, and what a tool cannot do as a dash", () => {
  const samples = new Map([["satchel", [{ seconds: 0.5, memory: 3 * 2 ** 20 }]], ["oras", [{ seconds: 1 }]]]);
  const text = markdown([{ title: "pull", samples }], [tool("satchel"), tool("oras"), tool("crane")]);
  assert.match(text, /\| pull +\| +0\.500 s \| 1\.00 s \(2\.00\) \| +- \|/);
  assert.match(text, /\| pull +\| +3 \| +- \| +- \|/);
});
