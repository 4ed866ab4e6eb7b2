import { strict as assert } from "node:assert";
import { isRegExp } from "./regexp.ts";

Deno.test("regular expressions as RE2 has them are told from slips", () => {
  for (const text of ["", ".*", "(?i)a.*", "a(?s:.)b", "(?P<name>x)", "https://(a|b)\\.example\\.org/.+", "(?i-s)x"]) {
    assert.ok(isRegExp(text), text);
  }
  for (const text of ["(", "a)", "[", "*", "(?i", "a{2,1}"]) assert.ok(!isRegExp(text), text);
});
