import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { StepOutput } from "./step_output.ts";

Deno.test("what is kept of an output is a copy of its beginning, so that the memory of all of it can be used again", () => {
  const output = new StepOutput();
  const part = Buffer.alloc(200 * 1024, "a");
  output.add(part);
  output.add(part);
  part.fill("b");
  for (let more = 0; more < 10; more++) output.add(part);
  const text = new TextDecoder().decode(output.bytes());
  assert.equal(text, `${"a".repeat(256 * 1024)}\n[...]\n`);
});
