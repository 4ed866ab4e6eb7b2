import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import { serialize } from "./output.ts";

const MODES = ["json", "jsonpretty", "yaml"] as const;

Deno.test("a result is one line of JSON, or pretty JSON, or YAML", async () => {
  const result = { name: "a", list: [1, 2], none: "" };
  assert.equal(await serialize("json", result), '{"name":"a","list":[1,2],"none":""}\n');
  assert.equal(await serialize("jsonpretty", { name: "a" }), '{\n  "name": "a"\n}\n');
  assert.equal(await serialize("yaml", result), 'name: a\nlist:\n  - 1\n  - 2\nnone: ""\n');
});

Deno.test("text that YAML would take for something else reads back as text", async () => {
  const result = { a: "yes", b: "1.0", c: "2024-05-06T07:08:09Z", d: "null", e: "- x", f: "a: b #c" };
  assert.deepEqual(parse(await serialize("yaml", result)), result);
});

Deno.test("any text reads back the same from every notation, and no control character comes out", async () => {
  const text = fc.string({ unit: "binary" });
  await fc.assert(
    fc.asyncProperty(
      fc.record({ Repository: text, List: fc.array(text) }, { noNullPrototype: true }),
      async (result) => {
        for (const mode of MODES) {
          const printed = await serialize(mode, result);
          assert.deepEqual(mode === "yaml" ? parse(printed) : JSON.parse(printed), result);
          assert.doesNotMatch(
            printed.replaceAll("\n", ""),
            /[\p{Cc}\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u,
            mode,
          );
        }
      },
    ),
  );
});
