import { equal } from "node:assert/strict";
import { onceEach, parseWarnings } from "./warning.ts";

Deno.test("warnings of code 299 are read, also several in one header", () => {
  equal(
    parseWarnings('299 - "one, \\"two\\"", 110 - "stale",299 - "three\u0007"').join("|"),
    'one, "two"|three\\x07',
  );
  equal(parseWarnings(null).length, 0);
});

Deno.test("a warning is passed on once", () => {
  const heard: string[] = [];
  const warn = onceEach((message) => heard.push(message));
  for (const message of ["a", "b", "a"]) warn(message);
  equal(heard.join(), "a,b");
});
