import assert from "node:assert/strict";
import { formatEpoch, formatLocal, readSourceDateEpoch } from "./created.ts";

Deno.test("a number of seconds is a time in UTC, whatever year that is", () => {
  const written = (text: string) => formatEpoch(readSourceDateEpoch(text));
  assert.equal(written("1700000000"), "2023-11-14T22:13:20Z");
  assert.equal(written("+5"), "1970-01-01T00:00:05Z");
  assert.equal(written("-1"), "1969-12-31T23:59:59Z");
  assert.equal(written("951782400"), "2000-02-29T00:00:00Z");
  assert.equal(written("99999999999999"), "3170843-11-07T09:46:39Z");
  assert.equal(written("-62135596801"), "0000-12-31T23:59:59Z");
  assert.equal(written("-62167219201"), "-0001-12-31T23:59:59Z");
  assert.equal(written("9223372036854775807"), "292277026596-12-04T15:30:07Z");
});

Deno.test("what is no number of seconds is refused with its text", () => {
  for (const text of ["abc", "", " 1", "1 ", "1.5", "1e3", "0x10", "1_000", "--1", "9223372036854775808", "\x1b[2J"]) {
    assert.throws(() => readSourceDateEpoch(text), { code: "usage", message: /invalid SOURCE_DATE_EPOCH "/ }, text);
  }
  assert.throws(() => readSourceDateEpoch("abc"), /invalid SOURCE_DATE_EPOCH "abc": it has to be a whole number/);
  assert.throws(() => readSourceDateEpoch("\x1b[2J"), (error: Error) => !error.message.includes("\x1b"));
});

Deno.test("a local time has its offset from UTC", () => {
  const at = (offset: number) => {
    const time = new Date(1700000000123);
    time.getTimezoneOffset = () => offset;
    return formatLocal(time);
  };
  assert.equal(at(0), "2023-11-14T22:13:20Z");
  assert.equal(at(300), "2023-11-14T17:13:20-05:00");
  assert.equal(at(-345), "2023-11-15T03:58:20+05:45");
});
