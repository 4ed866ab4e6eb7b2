import assert from "node:assert/strict";
import fc from "fast-check";
import { printable, printableLines } from "./printable.ts";

Deno.test("what a terminal would act on is shown instead", () => {
  assert.equal(printable("\x1b[2Jgone\x07"), "\\x1b[2Jgone\\x07");
  assert.equal(printable("a\nb\r\tc\x00\x7f\x9b31m"), "a\\nb\\r\\tc\\x00\\x7f\\x9b31m");
});

Deno.test("what hides or turns text around is shown instead", () => {
  assert.equal(printable("abc\u202edcba"), "abc\\u202edcba");
  assert.equal(printable("a\u200bb\ufeff\u2028\u{e0041}"), "a\\u200bb\\ufeff\\u2028\\u{e0041}");
  assert.equal(printable("half \ud800 a pair"), "half \\ud800 a pair");
});

Deno.test("text of any language stays as it is", () => {
  for (const text of ["ghcr.io/foo:v1", "größer", "日本語", "🙂 ok"]) assert.equal(printable(text), text);
});

Deno.test("messages keep their line feeds and tabs, and nothing else", () => {
  assert.equal(printableLines("a\n\tb\x1b\r"), "a\n\tb\\x1b\\r");
});

Deno.test("no control character ever comes out", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert.doesNotMatch(printable(text), /\p{Cc}/u);
    assert.doesNotMatch(printableLines(text).replaceAll(/[\n\t]/g, ""), /\p{Cc}/u);
  }));
});

Deno.test("long text is cut", () => {
  assert.equal(printable("x".repeat(400), 10), "xxxxxxxxxx...");
});
