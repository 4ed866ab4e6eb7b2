import assert from "node:assert/strict";
import fc from "fast-check";
import { joinWords, splitWords } from "./words.ts";

const split = (text: string) => splitWords(text, "it");

Deno.test("text is split into words as a shell does it", () => {
  assert.deepEqual(split(""), []);
  assert.deepEqual(split("  a\tb\n c "), ["a", "b", "c"]);
  assert.deepEqual(split(`-D'A B' "c d"'e' f\\ g \\' ''`), ["-DA B", "c de", "f g", "'", ""]);
  assert.deepEqual(split(`"a\\"b\\\\c\\d" 'e\\'`), ['a"b\\c\\d', "e\\"]);
});

Deno.test("nothing is expanded", () => {
  assert.deepEqual(split("$HOME `id` $(id) * ~ a;b|c #d"), ["$HOME", "`id`", "$(id)", "*", "~", "a;b|c", "#d"]);
});

Deno.test("a quote that does not end is an error that shows where it begins", () => {
  assert.throws(() => split("a 'b"), { code: "usage", message: `it: the quote at "'b" does not end` });
  assert.throws(() => split(`a "b\\"`), { code: "usage" });
});

Deno.test("words that were joined to be typed are split into the same ones", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary" })), (words) => {
    assert.deepEqual(split(joinWords(words)), words);
  }));
});
