import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { drawFrame } from "./frame.ts";
import { Transfers } from "./transfers.ts";

const OPTIONS = { columns: 80, rows: 24, now: 2000 };

/** A frame without its colours. */
function draw(transfers: Transfers, options = OPTIONS): string[] {
  return drawFrame(transfers, options).map((line) => stripVTControlCharacters(line));
}

function someTransfers(count = 2): Transfers {
  const transfers = new Transfers();
  for (let i = 0; i < count; i++) transfers.start(`t${i}`, `transfer-${i}`, 8_000_000, 0);
  transfers.receive("t0", 4_000_000, 2000);
  return transfers;
}

Deno.test("a frame has a line for each transfer and one for all", () => {
  assert.deepEqual(draw(someTransfers(), OPTIONS), [
    "transfer-0    ━━━━━━━━━━━━━━━━━━━━━━━━  50%        4 MB/8 MB     2 MB/s  2s",
    "transfer-1    ━━━━━━━━━━━━━━━━━━━━━━━━   0%         0 B/8 MB",
    "Total         ━━━━━━━━━━━━━━━━━━━━━━━━  25%       4 MB/16 MB     2 MB/s  6s",
  ]);
});

Deno.test("nothing is drawn while nothing moves", () => {
  assert.deepEqual(draw(new Transfers(), OPTIONS), []);
});

Deno.test("a single transfer has no second line for all", () => {
  assert.equal(draw(someTransfers(1), OPTIONS).length, 1);
});

Deno.test("no line is as wide as the terminal, so that none wraps", () => {
  for (const columns of [20, 40, 60, 80, 200]) {
    for (const line of draw(someTransfers(), { ...OPTIONS, columns })) {
      assert.ok([...line].length < columns, `${columns}: ${line}`);
    }
  }
});

Deno.test("a frame is never higher than the terminal", () => {
  assert.equal(draw(someTransfers(100), OPTIONS).length, 21);
  assert.equal(draw(someTransfers(100), { ...OPTIONS, rows: 3 }).length, 1);
});

Deno.test("what has arrived of a bar is green, the rest is dim", () => {
  const half = "━".repeat(12);
  assert.ok(drawFrame(someTransfers(), OPTIONS)[0].includes(`\x1b[32m${half}\x1b[0m\x1b[2m${half}\x1b[0m`));
});

Deno.test("on a narrow terminal numbers are left out, never cut", () => {
  const [line] = draw(someTransfers(1), { ...OPTIONS, columns: 60 });
  assert.equal(line, "transfer-0  50%  4 MB/8 MB  2 MB/s  2s");
  for (let columns = 15; columns < 60; columns++) {
    const [shown] = draw(someTransfers(1), { ...OPTIONS, columns });
    assert.ok(`${line}  `.startsWith(`${shown}  `), `${columns}: ${shown}`);
  }
});
