import assert from "node:assert/strict";
import { drawTerminal, escapeXml, parseLine } from "./_terminal_svg.ts";

const OPTIONS = { columns: 20, rows: 2, title: "a & b", duration: 1000 };

Deno.test("colours and weights become classes, and end where the terminal ends them", () => {
  assert.deepEqual(parseLine("\x1b[1;32mok\x1b[0m done \x1b[38;5;196mred\x1b[39m"), [
    { column: 0, text: "ok", classes: ["b", "c2"] },
    { column: 3, text: "done", classes: [] },
    { column: 8, text: "red", classes: [], color: "#ff0000" },
  ]);
});

Deno.test("escape sequences that are no colours, and control characters, are left out", () => {
  assert.deepEqual(parseLine("a\x1b[2Kb\x07c").map(({ text }) => text).join(""), "abc");
});

Deno.test("a wide gap is not drawn, and what follows keeps its column", () => {
  assert.deepEqual(parseLine("a          b").map(({ column }) => column), [0, 11]);
});

Deno.test("text of the terminal cannot become markup", () => {
  const lines = [`</text><script>alert("x")</script>&'`];
  const svg = drawTerminal([{ at: 0, lines }], OPTIONS);
  assert.ok(!svg.includes("<script"));
  assert.ok(svg.includes("&lt;script&gt;"));
  assert.ok(svg.includes("<title>a &amp; b</title>"));
});

Deno.test("characters that XML forbids are left out", () => {
  assert.equal(escapeXml("a\x00b\x1bc\ud800d\u{1f600}"), "abcd\u{1f600}");
});

Deno.test("a line that stays is drawn once, and shown while it stays", () => {
  const svg = drawTerminal([
    { at: 0, lines: ["first"] },
    { at: 250, lines: ["first", "second"] },
    { at: 500, lines: ["first"] },
  ], OPTIONS);
  assert.equal(svg.match(/>first</g)?.length, 1);
  assert.equal(svg.match(/>second</g)?.length, 1);
  assert.match(svg, /0%\{visibility:hidden\}25%\{visibility:visible\}50%,100%\{visibility:hidden\}/);
});
