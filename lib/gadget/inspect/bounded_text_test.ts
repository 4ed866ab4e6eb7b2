import { strict as assert } from "node:assert";
import { joinBounded } from "./bounded_text.ts";

Deno.test("texts are joined as long as all of them fit, with what stands between them", () => {
  assert.equal(joinBounded(["ab", "cd"], ",", "x", 6), "ab,cd");
  assert.throws(() => joinBounded(["ab", "cde"], ",", "x", 6), {
    code: "invalid",
    message: "x: there is more of it than 6 characters",
  });
});

Deno.test("what may have to be escaped counts as what it may become", () => {
  assert.equal(joinBounded(["\u202e"], "", "x", 6), "\u202e");
  for (const text of ["\u202e", "\u0085", "\x7f"]) {
    assert.throws(() => joinBounded([text], "", "x", 5), { code: "invalid" });
  }
});

Deno.test("nothing is asked for after what is too long", () => {
  function* endless() {
    for (;;) yield "text";
  }
  assert.throws(() => joinBounded(endless(), "\n", "x", 1000), { code: "invalid" });
});
