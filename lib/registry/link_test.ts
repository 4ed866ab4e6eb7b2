import { equal } from "node:assert/strict";
import fc from "fast-check";
import { parseNextLink } from "./link.ts";

Deno.test("the target of rel=next is found, quoted or not, and among others", () => {
  equal(parseNextLink('</v2/a/tags/list?n=2&last=b>; rel="next"'), "/v2/a/tags/list?n=2&last=b");
  equal(parseNextLink("<x>;rel=next"), "x");
  equal(parseNextLink('<p>; rel="prev", <n>; title="a, b; rel=no" ; REL="last NEXT"'), "n");
});

Deno.test("without rel=next there is no next page", () => {
  equal(parseNextLink(null), undefined);
  equal(parseNextLink('<x>; rel="previous"'), undefined);
  equal(parseNextLink('<x>; title="rel=next"'), undefined);
  equal(parseNextLink('x; rel="next"'), undefined);
});

Deno.test("any text is read without an error, and quickly", () => {
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => {
    parseNextLink(text);
  }));
  const started = performance.now();
  for (const part of ["<", "<>", "<>;", "; a=", " ;", '<>;a="', "<a>; b ", ";a ="]) {
    parseNextLink(part.repeat(2_000));
    parseNextLink(`<x>${part.repeat(2_000)}`);
  }
  equal(performance.now() - started < 2_000, true);
});
