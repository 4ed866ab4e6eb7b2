import assert from "node:assert/strict";
import { readImageName } from "./image_name.ts";

Deno.test("a name with the scheme of another tool is refused, and the way to write it told", () => {
  for (const scheme of ["docker://", "oci://", "https://"]) {
    assert.throws(() => readImageName(`${scheme}example.com/a:v1`), {
      code: "usage",
      hint: `A name has no scheme: leave ${scheme} out.`,
    });
  }
  assert.throws(() => readImageName("Foo"), { code: "usage", hint: undefined });
  assert.equal(readImageName("example.com/a:v1").registry, "example.com");
});
