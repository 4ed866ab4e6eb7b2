import assert from "node:assert/strict";
import { drawFrame } from "./frame.ts";
import { Transfers } from "./transfers.ts";

const OPTIONS = { columns: 80, rows: 24, color: false, now: 2000 };

function someTransfers(count = 2): Transfers {
  const transfers = new Transfers();
  for (let i = 0; i < count; i++) transfers.start(`t${i}`, `transfer-${i}`, 8_000_000, 0);
  transfers.receive("t0", 4_000_000, 2000);
  return transfers;
}

Deno.test("a frame has a line for each transfer and one for all", () => {
  assert.deepEqual(drawFrame(someTransfers(), OPTIONS), [
    "transfer-0    ━━━━━━━━━━━━────────────  50%        4 MB/8 MB     2 MB/s  2s",
    "transfer-1    ────────────────────────   0%         0 B/8 MB",
    "Total         ━━━━━━──────────────────  25%       4 MB/16 MB     2 MB/s  6s",
  ]);
});

Deno.test("nothing is drawn while nothing moves", () => {
  assert.deepEqual(drawFrame(new Transfers(), OPTIONS), []);
});

Deno.test("a single transfer has no second line for all", () => {
  assert.equal(drawFrame(someTransfers(1), OPTIONS).length, 1);
});

Deno.test("no line is as wide as the terminal, so that none wraps", () => {
  for (const columns of [20, 40, 60, 80, 200]) {
    for (const line of drawFrame(someTransfers(), { ...OPTIONS, columns })) {
      assert.ok([...line].length < columns, `${columns}: ${line}`);
    }
  }
});

Deno.test("a frame is never higher than the terminal", () => {
  assert.equal(drawFrame(someTransfers(100), OPTIONS).length, 21);
  assert.equal(drawFrame(someTransfers(100), { ...OPTIONS, rows: 3 }).length, 1);
});

Deno.test("without colour there are no escape codes, with it there are", () => {
  assert.ok(!drawFrame(someTransfers(), OPTIONS).join("").includes("\x1b"));
  assert.ok(drawFrame(someTransfers(), { ...OPTIONS, color: true })[0].includes("\x1b[32m"));
});
