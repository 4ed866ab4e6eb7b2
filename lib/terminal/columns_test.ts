import assert from "node:assert/strict";
import fc from "fast-check";
import { formatColumns } from "./columns.ts";

const COLUMNS = [{ header: "NAME", shrinksTo: 6 }, { header: "TAG", shrinksTo: 4 }, { header: "AGE" }];

Deno.test("columns are aligned, and no line ends in blanks", () => {
  assert.deepEqual(formatColumns(COLUMNS, [["a", "latest", "2 days ago"], ["longer/name", "v1", ""]]), [
    "NAME          TAG      AGE",
    "a             latest   2 days ago",
    "longer/name   v1",
  ]);
});

Deno.test("without rows there are the headers alone", () => {
  assert.deepEqual(formatColumns(COLUMNS, []), ["NAME   TAG   AGE"]);
});

Deno.test("the first column gives way to a narrow terminal, then the second, then the widest", () => {
  const rows = [["registry.example/very/long", "v1.2.3-rc4", "2 days ago"]];
  assert.equal(formatColumns(COLUMNS, rows, 42)[1], "registry.exampl…   v1.2.3-rc4   2 days ago");
  assert.equal(formatColumns(COLUMNS, rows, 30)[1], "regis…   v1.2.3-…   2 days ago");
  assert.equal(formatColumns(COLUMNS, rows, 26)[1], "regis…   v1.…   2 days ago");
  assert.equal(formatColumns(COLUMNS, rows, 20)[1], "regi…   v1.…   2 da…");
  assert.equal(formatColumns(COLUMNS, rows, 1)[1], "re…   v1…   2 …");
  assert.equal(formatColumns(COLUMNS, rows)[1], "registry.example/very/long   v1.2.3-rc4   2 days ago");
});

Deno.test("what is shortened takes the width exactly", () => {
  const rows = [["registry.example/very/long", "v1.2.3-rc4", "2 days ago"]];
  for (const width of [16, 20, 25, 32, 37, 42, 48]) {
    assert.equal([...formatColumns(COLUMNS, rows, width)[1]].length, width);
  }
});

Deno.test("cells are shown, not obeyed", () => {
  assert.equal(formatColumns([{ header: "A" }, { header: "B" }], [["\x1b[31m", "x"]])[1], "\\x1b[31m   x");
});

Deno.test("every cell starts where its header does", () => {
  const row = fc.tuple(fc.stringMatching(/^[a-z]{1,20}$/), fc.stringMatching(/^[a-z]{1,20}$/));
  fc.assert(fc.property(fc.array(row, { minLength: 1 }), (rows) => {
    const [header, ...lines] = formatColumns([{ header: "X" }, { header: "Y" }], rows);
    const at = header.indexOf("Y");
    lines.forEach((line, index) => assert.equal(line.slice(at), rows[index][1]));
  }));
});

Deno.test("one cell that is far too long does not make every line so", () => {
  const lines = formatColumns([{ header: "A" }, { header: "B" }], [["x".repeat(3_000_000), "b"], ["a", "b"]]);
  assert.ok(lines.every((line) => line.length < 300));
});
