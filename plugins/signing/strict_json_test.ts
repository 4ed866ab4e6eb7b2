import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { decodeBase64 } from "./base64.ts";
import { FormatError } from "./format_error.ts";
import { parseStrictJson } from "./strict_json.ts";

const parse = (text: string) => parseStrictJson(Buffer.from(text), "it");

Deno.test("JSON is read as JSON.parse does where no object has a member twice", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 8 }), fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
    const text = JSON.stringify(value, undefined, indent);
    assert.deepEqual(parse(text), JSON.parse(text));
  }));
});

Deno.test("any text is read as JSON.parse does, or refused as no JSON, or for a member that is there twice", () => {
  const pieces = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    '"a"',
    '"\\u0061"',
    '"b',
    '"',
    "\\",
    ":",
    ",",
    "1",
    " ",
    "null",
    "é",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join("")), (text) => {
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        return assert.throws(() => parse(text), FormatError);
      }
      try {
        assert.deepEqual(parse(text), expected);
      } catch (error) {
        assert.ok(error instanceof FormatError);
        assert.match(error.message, /^it has "a" twice$/);
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a member that an object has twice is found at any depth, however its name is written", () => {
  for (
    const text of [
      '{"a":1,"a":1}',
      '{"a":1,"b":{"c":[{"d":1,"e":2,"d":3}]}}',
      '{"a":1,"\\u0061":1}',
      '{ "a" : [ { } , "a" ] , "a" : 1 }',
      '{"":1,"":1}',
      '{"\\"":1,"\\u0022":1}',
      '{"__proto__":1,"__proto__":1}',
    ]
  ) assert.throws(() => parse(text), /twice$/, text);
  for (
    const text of ['{"a":"a","b":"a"}', '[{"a":1},{"a":1}]', '{"a":{"a":{"a":["a","a"]}}}', '{"a":"\\"a\\":1,","b":1}']
  ) {
    assert.deepEqual(parse(text), JSON.parse(text));
  }
});

Deno.test("JSON that is deep or long is read or refused in no time", () => {
  assert.throws(() => parse("[".repeat(1 << 20)), /nests more than 64 levels/);
  assert.throws(() => parse(`{"a":`.repeat(1 << 18)), /nests more than 64 levels/);
  assert.deepEqual(parse(`${"[".repeat(64)}${"]".repeat(64)}`), JSON.parse(`${"[".repeat(64)}${"]".repeat(64)}`));
  assert.equal(parse(`"${"\\n".repeat(1 << 19)}"`), "\n".repeat(1 << 19));
  assert.throws(() => parse(`"${"\\".repeat(1 << 20)}`), /is not JSON/);
});

Deno.test("base64 is read to the letter: nothing but what encoding the bytes would give", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
    assert.deepEqual(decodeBase64(Buffer.from(bytes).toString("base64"), "it"), bytes);
  }));
  for (
    const text of [
      "A",
      "AA",
      "AAA",
      "AA=",
      "AB==",
      "AAA=A",
      "AA==AA==",
      " AAAA",
      "AAAA\n",
      "AA-_",
      "AA\u0000A",
      "====",
      "é",
    ]
  ) {
    assert.throws(() => decodeBase64(text, "it"), /^FormatError: it is not base64$/, text);
  }
  for (const value of ["", undefined, null, 1, ["AAAA"]]) {
    assert.throws(() => decodeBase64(value, "it"), /it is missing/);
  }
});
