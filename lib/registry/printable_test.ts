import { equal } from "node:assert/strict";
import fc from "fast-check";
import { printable } from "./printable.ts";
import { onceEach, parseWarnings } from "./warning.ts";

Deno.test("control characters and marks that reorder text are shown as escapes", () => {
  equal(printable("a\u001b[31mb\r\nc\u202ed\u009b"), "a\\u001b[31mb\\u000d\\u000ac\\u202ed\\u009b");
});

Deno.test("long text is cut", () => {
  equal(printable("x".repeat(400), 10), "xxxxxxxxxx...");
});

Deno.test("what is printable has no control character, whatever came in", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    // deno-lint-ignore no-control-regex -- this is what must not be there
    equal(/[\u0000-\u001f\u007f-\u009f]/.test(printable(text)), false);
  }));
});

Deno.test("warnings of code 299 are read, also several in one header", () => {
  equal(
    parseWarnings('299 - "one, \\"two\\"", 110 - "stale",299 - "three\u0007"').join("|"),
    'one, "two"|three\\u0007',
  );
  equal(parseWarnings(null).length, 0);
});

Deno.test("a warning is passed on once", () => {
  const heard: string[] = [];
  const warn = onceEach((message) => heard.push(message));
  for (const message of ["a", "b", "a"]) warn(message);
  equal(heard.join(), "a,b");
});
