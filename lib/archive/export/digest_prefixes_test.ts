import { strict as assert } from "node:assert";
import { DigestPrefixes } from "./digest_prefixes.ts";

const hexOf = (number: number) => number.toString(16).padStart(12, "0");
const digest = (start: string, algorithm: "sha256" | "sha512" = "sha256") =>
  `${algorithm}:${start.padEnd(algorithm === "sha256" ? 64 : 128, "0")}` as const;

Deno.test("first digits are found whatever order they came in, the lowest and the highest too", () => {
  const known = new DigestPrefixes();
  const numbers = [0, 2 ** 48 - 1, ...Array.from({ length: 3000 }, (_, at) => (at * 7_919_000_003) % 2 ** 48)];
  for (const number of numbers) known.add("sha256", hexOf(number));
  for (const number of numbers) assert.ok(known.has(digest(hexOf(number))));
  for (const number of numbers.slice(2)) assert.ok(!known.has(digest(hexOf(number + 1))));
  known.add("sha256", hexOf(1));
  assert.ok(known.has(digest(hexOf(1))));
  assert.equal(known.size, numbers.length + 1);
});

Deno.test("of more digits all have to agree", () => {
  const known = new DigestPrefixes();
  known.add("sha256", "0123456789abcdef");
  known.add("sha256", "f".repeat(64));
  assert.ok(known.has(digest("0123456789abcdef77")));
  assert.ok(!known.has(digest("0123456789abcdee")));
  assert.ok(known.has(digest("f".repeat(64))));
  assert.ok(!known.has(digest("f".repeat(63))));
});

Deno.test("the digits of one algorithm are not those of another", () => {
  const known = new DigestPrefixes();
  known.add("sha512", "0123456789ab");
  known.add("sha256", "0123456789abcd");
  assert.ok(!known.has(digest("0123456789ab")));
  assert.ok(known.has(digest("0123456789ab", "sha512")));
  assert.ok(known.has(digest("0123456789abcd")));
});
