import { deepEqual, rejects } from "node:assert/strict";
import { SatchelError } from "../../lib/error.ts";
import { queryJson } from "./json_path.ts";

const STORE = {
  book: [
    { title: "Sayings", price: 8.95, tags: [] },
    { title: "Moby Dick", price: 8.99, isbn: "0-553", tags: ["sea"] },
  ],
  "odd key": { "it's": null },
};

function find(expression: string, value: unknown = STORE): Promise<unknown> {
  return queryJson(expression, value, new AbortController().signal);
}

const FOUND: readonly (readonly [expression: string, found: unknown])[] = [
  ["$", STORE],
  ["$.book[1].title", "Moby Dick"],
  [".book[1].title", "Moby Dick"],
  ["[0].a", 1],
  ["$.book[-1].isbn", "0-553"],
  ["$['odd key'][\"it's\"]", null],
  [".book[*].price", [8.95, 8.99]],
  ["..price", [8.95, 8.99]],
  ["$.book[?@.isbn].title", ["Moby Dick"]],
  ["$.book[?@.price < 8.99 && !@.isbn].title", ["Sayings"]],
  ["$.book[?match(@.title, 'M.*')].price", [8.99]],
  ["$.book[?count(@.tags[*]) > 0].title", ["Moby Dick"]],
  ["$.book[0,1,0].title", ["Sayings", "Moby Dick", "Sayings"]],
  ["$.book[::-1].title", ["Moby Dick", "Sayings"]],
  ["$.nothing[*]", []],
];

for (const [expression, found] of FOUND) {
  Deno.test(`${expression} finds ${JSON.stringify(found).slice(0, 60)}`, async () => {
    deepEqual(await find(expression, expression === "[0].a" ? [{ a: 1 }] : STORE), found);
  });
}

const REFUSED: readonly (readonly [expression: string, code: SatchelError["code"], message: RegExp])[] = [
  ["", "usage", /^--jsonpath needs an expression$/],
  [".nosuch", "not-found", /^resolving path ".nosuch": unknown key nosuch$/],
  [".book.title", "not-found", /^resolving path ".book.title": unknown key title$/],
  [".book[5]", "not-found", /^resolving path ".book\[5\]": index 5 out of bounds$/],
  ["['odd key'][0]", "not-found", /index 0 of what is no list$/],
  ["[bad", "usage", /^parsing path "\[bad": unexpected token 'b'/],
  ["book", "usage", /^parsing path "book": expected/],
  ["$.book[?nosuch(@)]", "usage", /no such function 'nosuch'/],
  [`.${"a".repeat(1000)}`, "usage", /longer than 1000 characters$/],
  ["$[99999999999999999999]", "usage", /out of range/],
];

for (const [expression, code, message] of REFUSED) {
  Deno.test(`${expression.slice(0, 30) || "no expression at all"} is refused`, async () => {
    await rejects(find(expression), (error: SatchelError) => error.code === code && message.test(error.message));
  });
}

Deno.test("an expression that finds more and more is stopped, whatever the value", async () => {
  const nested = Array.from({ length: 20 }).reduce<unknown>((inner) => [inner], 1);
  await rejects(find(`$${"[0,0]".repeat(20)}`, nested), /finds more than 100000 values/);
});

Deno.test("a filter that would take for ever can be interrupted", async () => {
  const numbers = Array.from({ length: 10_000 }, (_, index) => index);
  const controller = new AbortController();
  const found = queryJson("$[?count($[?count($[?@ < 0]) > 0]) > 0]", numbers, controller.signal);
  controller.abort(new SatchelError("cancelled", "interrupted by a test"));
  await rejects(found, /interrupted by a test/);
});
