import { strict as assert } from "node:assert";
import fc from "fast-check";
import { html, lines, markupOf } from "./html.ts";
import { outerLink } from "./link.ts";

Deno.test("every value is a text, between tags and in attributes, unless it is HTML that was made here", () => {
  const text = `<script>alert("1")</script>'&`;
  const escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;";
  assert.equal(markupOf(html`<p title="${text}">${text}</p>`), `<p title="${escaped}">${escaped}</p>`);
  assert.equal(
    markupOf(html`<p>${[html`<b>${text}</b>`, "&", 1, undefined, false]}</p>`),
    `<p><b>${escaped}</b>&amp;1</p>`,
  );
});

Deno.test("what looks like HTML, but was not made here, is none", () => {
  const forged = JSON.parse('{"markup":"<script>"}');
  assert.throws(() => markupOf(html`${forged}`));
});

Deno.test("characters that hide what a text says are shown; line feeds stay where lines are wanted", () => {
  assert.equal(markupOf(html`${"a\u202eb\u0000\n\u200b"}`), "a\\u202eb\\x00\\n\\u200b");
  assert.equal(markupOf(lines("<a>\n\u202e")), "&lt;a&gt;\n\\u202e");
});

Deno.test("no text whatever breaks out of an element or an attribute", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const made = markupOf(html`<p title="${text}">${text}${lines(text)}</p>`);
    const [, title, content] = /^<p title="([^"]*)">([^<>]*)<\/p>$/s.exec(made) ?? [];
    assert.ok(title !== undefined && content !== undefined, made);
    // deno-lint-ignore no-control-regex -- control characters are what this is about
    assert.doesNotMatch(made, /[\u0000-\u0008\u202a-\u202e\u2066-\u2069]/);
  }));
});

Deno.test("only URLs of the web become links, without a word to where they lead", () => {
  assert.equal(
    markupOf(outerLink('https://example.org/a?b="c"&d')),
    '<a href="https://example.org/a?b=%22c%22&amp;d" rel="noopener noreferrer nofollow">https://example.org/a?b=%22c%22&amp;d</a>',
  );
  for (
    const url of [
      "javascript:alert(1)",
      " javascript:alert(1)",
      "JAVASCRIPT:alert(1)",
      "java\nscript:alert(1)",
      "data:text/html,<script>",
      "//example.org",
      "/v2/",
      "ftp://example.org",
      "https://",
      "https://bank.test@evil.test/",
      `https://example.org/${"a".repeat(3000)}`,
    ]
  ) assert.doesNotMatch(markupOf(outerLink(url)), /<a|href/, url);
});

Deno.test("a link shows the host that it leads to", () => {
  // The first letter is Cyrillic.
  assert.match(markupOf(outerLink("https://\u0435xample.org/")), /href="https:\/\/xn--/);
  assert.doesNotMatch(markupOf(outerLink("https://\u0435xample.org/")), /\u0435/);
});
