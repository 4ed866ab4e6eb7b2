import assert from "node:assert/strict";
import fc from "fast-check";
import { SatchelError } from "../error.ts";
import { encodeGoJson, hasMoreValues, parseJson } from "./json.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("JSON is escaped as Go escapes it", () => {
  assert.equal(encodeGoJson({ a: "<b>&\u2028\u2029é/\t" }), '{"a":"\\u003cb\\u003e\\u0026\\u2028\\u2029é/\\t"}');
});

Deno.test("escaped JSON reads back as what it was", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.deepEqual(parseJson(encode(encodeGoJson(value)), "it"), JSON.parse(JSON.stringify(value)));
  }));
});

Deno.test("deep nesting is refused before the parser sees it", () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  assert.throws(() => parseJson(encode(deep), "the manifest"), /the manifest nests more than 64 levels/);
});

Deno.test("brackets inside strings do not count as nesting", () => {
  assert.deepEqual(parseJson(encode(JSON.stringify(['\\"['.repeat(1000)])), "it"), ['\\"['.repeat(1000)]);
});

Deno.test("what is not JSON is named, with the place where it breaks", () => {
  assert.throws(
    () => parseJson(encode('{\n "a": b}'), "the manifest"),
    /the manifest is not JSON: it breaks at line 2, column 7$/,
  );
  assert.throws(
    () => parseJson(encode("<html>no</html>"), "the manifest"),
    /the manifest is not JSON: it is HTML or XML$/,
  );
  assert.throws(() => parseJson(encode(" \n"), "the manifest"), /is not JSON: it is empty/);
  assert.throws(() => parseJson(new Uint8Array([0xff, 0xfe]), "the manifest"), /is not UTF-8 text/);
});

Deno.test("neither the error nor what led to it repeats what is not JSON: it may be a secret", () => {
  for (const text of ["hunter2", '{"password": hunter2}', '{"password": "hunter2', '{"auth": "hunter2"} x']) {
    const shows = (error: unknown): boolean =>
      error instanceof Error && (`${error.message}${error.stack}`.includes("hunter2") || shows(error.cause));
    assert.throws(() => parseJson(encode(text), "the auth file"), (error) => !shows(error), text);
  }
});

Deno.test("any bytes are either JSON or an error of the one kind", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      parseJson(bytes, "it");
    } catch (error) {
      assert.ok(error instanceof SatchelError && error.code === "invalid");
    }
  }));
});

Deno.test("values are counted at any depth, and not in texts", () => {
  const more = (text: string, limit: number) => hasMoreValues(new TextEncoder().encode(text), limit);
  const text = '{"a":[1,{"b":"[,,{\\"[,"}],"c":[[]]}';
  // Two objects, three lists, two commas.
  assert.ok(more(text, 6));
  assert.ok(!more(text, 7));
});
