import assert from "node:assert/strict";
import fc from "fast-check";
import { formatAge, formatRemaining, humanDuration, parseTime } from "./age.ts";

/** Seconds since creation and the text that `ig` showed, but for the capital letter that the manual page has. */
const RECORDED: [number, string][] = [
  [6, "6 seconds"],
  [61, "About a minute"],
  [100, "About a minute"],
  [3500, "58 minutes"],
  [4000, "About an hour"],
  [7100, "2 hours"],
  [86_000, "24 hours"],
  [100_000, "28 hours"],
  [200_000, "2 days"],
  [700_000, "8 days"],
  [1_300_000, "2 weeks"],
  [3_000_000, "4 weeks"],
  [5_300_000, "2 months"],
  [32_000_000, "12 months"],
  [70_000_000, "2 years"],
];

for (const [seconds, text] of RECORDED) {
  Deno.test(`${seconds} seconds are ${text}`, () => assert.equal(humanDuration(seconds * 1000), text));
}

Deno.test("the words change at the edges where Docker changes them", () => {
  const at = (seconds: number) => humanDuration(seconds * 1000);
  assert.deepEqual([0, 0.999, 1, 1.9, 2, 59.9].map(at), [
    "Less than a second",
    "Less than a second",
    "1 second",
    "1 second",
    "2 seconds",
    "59 seconds",
  ]);
  assert.deepEqual([60, 119, 120, 3599, 3600].map(at), [
    "About a minute",
    "About a minute",
    "2 minutes",
    "59 minutes",
    "About an hour",
  ]);
  const hours = [1.49, 1.5, 47.49, 47.5, 24 * 14 - 0.6, 24 * 14, 24 * 60, 24 * 365 * 2].map((hours) =>
    at(hours * 3600)
  );
  assert.deepEqual(hours, [
    "About an hour",
    "2 hours",
    "47 hours",
    "2 days",
    "13 days",
    "2 weeks",
    "2 months",
    "2 years",
  ]);
});

Deno.test("an age ends in ago, and a clock that is a little off makes no future", () => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  assert.equal(formatAge(now - 30 * 60_000, now), "30 minutes ago");
  assert.equal(formatAge(now + 59_000, now), "Less than a second ago");
  assert.equal(formatAge(now + 3_600_000, now), "in about an hour");
  assert.equal(formatAge(now + 2 * 86_400_000, now), "in 2 days");
});

Deno.test("a time is read by RFC 3339 and nothing else", () => {
  const noon = Date.parse("2024-05-06T12:00:00Z");
  assert.equal(parseTime("2024-05-06T12:00:00Z"), noon);
  assert.equal(parseTime("2024-05-06T14:00:00+02:00"), noon);
  assert.equal(parseTime("2024-05-06T12:00:00.123456789Z"), noon + 123);
  assert.equal(parseTime("2024-05-06t12:00:00z"), noon);
  for (const text of ["", "yesterday", "2024-05-06", "2024-05-06T12:00:00", "2024-13-06T12:00:00Z", "1714996800"]) {
    assert.equal(parseTime(text), undefined, text);
  }
});

Deno.test("any time that JavaScript writes is read back", () => {
  fc.assert(fc.property(fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }), (date) => {
    assert.equal(parseTime(date.toISOString()), date.getTime());
  }));
});

Deno.test("what is left is written with two units at most", () => {
  assert.deepEqual([1, 59_001, 60_000, 200_000, 3_600_000, 7_500_000].map(formatRemaining), [
    "1s",
    "1m00s",
    "1m00s",
    "3m20s",
    "1h00m",
    "2h05m",
  ]);
});
