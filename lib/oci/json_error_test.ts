import assert from "node:assert/strict";
import fc from "fast-check";
import { jsonErrorAt, lineAndColumn } from "./json_error.ts";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

Deno.test("where JSON breaks is told as line and column", () => {
  const cases: [string, number, number][] = [
    ['{"a": 1,\n "b": x}', 2, 7],
    ['{"a": "b" "c"}', 1, 11],
    ['{"a": 1,}', 1, 9],
    ["[1, 2", 1, 6],
    ['{"a": "b\n"}', 1, 7],
    ["{} {}", 1, 4],
    ["", 1, 1],
  ];
  for (const [text, line, column] of cases) {
    assert.deepEqual(lineAndColumn(text, jsonErrorAt(text)!), { line, column }, text);
  }
});

Deno.test("a text has an error exactly where the runtime's parser finds one", () => {
  const json = fc.json({ maxDepth: 4 });
  const broken = fc.tuple(json, fc.nat(), fc.nat(3), fc.constantFrom("", ",", '"', "}", "]", ":", "\\", "1", "e", "\n"))
    .map(([text, at, length, put]) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + length));
  fc.assert(
    fc.property(fc.oneof(json, broken, fc.string()), (text) => {
      assert.equal(jsonErrorAt(text) === undefined, isJson(text));
    }),
    { numRuns: 2000 },
  );
});
