import { deepEqual, ok, rejects } from "node:assert/strict";
import { parseContent } from "./value.ts";

Deno.test("content is read as JSON or YAML, with sorted keys, none of which is special", async () => {
  const value = await parseContent("b: 1\na: {d: x, c: [2]}\n__proto__: {x: 1}\n", "oci.metadata");
  deepEqual(JSON.stringify(value), '{"__proto__":{"x":1},"a":{"c":[2],"d":"x"},"b":1}');
  deepEqual(JSON.stringify(await parseContent('{"b":1,"a":2}', "oci.manifest")), '{"a":2,"b":1}');
  deepEqual(await parseContent("", "oci.metadata"), null);
});

Deno.test("whole numbers that JavaScript would round stay as they are", async () => {
  deepEqual({ ...await parseContent("a: 18446744073709551615\nb: 443", "k") as object }, {
    a: 18446744073709551615n,
    b: 443,
  });
});

const nested = Array.from({ length: 9 }, (_, index) => {
  const item = index === 0 ? "x" : `*a${index - 1}`;
  return `a${index}: &a${index} [${Array(9).fill(item).join(",")}]\n`;
}).join("");

const HOSTILE: readonly (readonly [what: string, text: string, why: RegExp])[] = [
  ["an anchor within itself", "&a [*a]", /^k is not YAML: it contains itself$/],
  ["aliases of aliases", nested, /^k is not YAML: Excessive alias count/],
  ["lists in lists", "- ".repeat(60) + "x", /^k nests too deep/],
  ["brackets without an end", "[".repeat(100), /^k nests too deep/],
  ["many keys", Array.from({ length: 20_000 }, (_, index) => `k${index}: v`).join("\n"), /^k is too large/],
  ["a tab at the beginning", "\t- x", /^k is not YAML: Tabs are not allowed/],
];

for (const [what, text, why] of HOSTILE) {
  Deno.test(`${what} is an error of the content`, async () => {
    await rejects(parseContent(text, "k"), { code: "invalid", message: why });
  });
}

Deno.test("a number of any length is kept as it is", async () => {
  const digits = "9".repeat(60_000);
  const value = await parseContent(`a: ${digits}\n`, "oci.metadata") as { a: bigint };
  ok(value.a === BigInt(digits));
});

Deno.test("more than one document is told in words for whoever reads the metadata", async () => {
  await rejects(() => parseContent("a: 1\n---\nb: 2\n", "oci.metadata"), {
    message: "oci.metadata is not YAML: it is more than one document",
  });
});
