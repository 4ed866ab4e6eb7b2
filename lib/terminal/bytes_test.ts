import assert from "node:assert/strict";
import fc from "fast-check";
import { formatBytes } from "./bytes.ts";

Deno.test("sizes are written with three digits in decimal units", () => {
  const sizes = [0, 1, 999, 1000, 1500, 181_000, 999_499, 999_500, 1_073_741_824, 5e12, 2e15, 9e18];
  assert.deepEqual(sizes.map(formatBytes), [
    "0 B",
    "1 B",
    "999 B",
    "1 kB",
    "1.5 kB",
    "181 kB",
    "999 kB",
    "1 MB",
    "1.07 GB",
    "5 TB",
    "2 PB",
    "9000 PB",
  ]);
});

Deno.test("no size below a thousand petabytes takes more than seven characters", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (bytes) => {
    assert.ok(formatBytes(bytes).length <= 7, formatBytes(bytes));
  }));
});
