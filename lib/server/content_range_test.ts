import assert from "node:assert/strict";
import { ApiError } from "./api_error.ts";
import { chunkPlace, rangeOf } from "./content_range.ts";

function placeOf(headers: Record<string, string>) {
  return chunkPlace(new Headers(headers));
}

Deno.test("a chunk says where it begins and how long it is, or leaves that to what comes", () => {
  assert.deepEqual(placeOf({ "Content-Range": "0-9", "Content-Length": "10" }), { start: 0, length: 10 });
  assert.deepEqual(placeOf({ "Content-Range": "10-10" }), { start: 10, length: 1 });
  assert.deepEqual(placeOf({ "Content-Length": "7" }), { length: 7 });
  assert.deepEqual(placeOf({}), {});
});

Deno.test("HTTP's own form of a range is understood", () => {
  assert.deepEqual(placeOf({ "Content-Range": "bytes 5-9/10" }), { start: 5, length: 5 });
  assert.deepEqual(placeOf({ "Content-Range": "bytes=5-9" }), { start: 5, length: 5 });
  assert.deepEqual(placeOf({ "Content-Range": "bytes 5-9/*" }), { start: 5, length: 5 });
});

Deno.test("what is no range is refused", () => {
  for (const range of ["", "5", "-5", "5-", "9-5", "a-b", "0-9,20-29", "0-1e3", "0x0-9", `0-${"9".repeat(20)}`]) {
    assert.throws(
      () => placeOf({ "Content-Range": range }),
      (error) => error instanceof ApiError && error.code === "BLOB_UPLOAD_INVALID" && error.status === 400,
      range,
    );
  }
});

Deno.test("a range and a length that do not agree are refused", () => {
  for (const length of ["9", "11", "0"]) {
    assert.throws(
      () => placeOf({ "Content-Range": "0-9", "Content-Length": length }),
      (error) => error instanceof ApiError && error.code === "SIZE_INVALID",
    );
  }
});

Deno.test("of nothing the range is 0-0, as everybody says it", () => {
  assert.deepEqual([0, 1, 2, 1000].map(rangeOf), ["0-0", "0-0", "0-1", "0-999"]);
});
