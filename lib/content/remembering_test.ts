import { strict as assert } from "node:assert";
import type { Descriptor } from "../oci/mod.ts";
import { makeImage } from "./_testing.ts";
import { copy, KnownContent, MemoryRepository, rememberingTarget } from "./mod.ts";

Deno.test("content that was found or put at a target once is not looked for again", async () => {
  const source = new MemoryRepository();
  makeImage(source);
  const asked: string[] = [];
  class Asked extends MemoryRepository {
    override has(descriptor: Descriptor) {
      asked.push(descriptor.digest);
      return super.has(descriptor);
    }
  }
  const target = rememberingTarget(new Asked(), new KnownContent());
  await copy(source, "v1", target, { tag: "v1" });
  const first = asked.length;
  assert.ok(first > 0);
  await copy(source, "v1", target, { tag: "v2" });
  assert.equal(asked.length, first);
});
