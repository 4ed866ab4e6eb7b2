import { strict as assert } from "node:assert";
import { checkMetadata } from "./check.ts";
import { fitsType, isSameType } from "./param_types.ts";

for (
  const [type, right, wrong] of [
    ["bool", ["true", "False"], ["yes", "1", ""]],
    ["int8", ["-128", "127", "+1", "007"], ["-129", "128", "1.0", "0x1", "a", " 1"]],
    ["uint16", ["0", "65535"], ["65536", "-1", "+1", "9".repeat(100_000)]],
    ["int64", ["-9223372036854775808"], ["9223372036854775808"]],
    ["uint", ["18446744073709551615"], ["18446744073709551616"]],
    ["float32", ["1", "-1.5", ".5e-3", "inf"], ["1,5", "e5", "1e"]],
    ["ip", ["10.0.0.1", "::1"], ["10.0.0.0/8", "localhost"]],
    ["duration", ["1m30s"], ["90"]],
    ["string", ["", "anything"], []],
    ["nobody knows it", ["anything"], []],
  ] as const
) {
  Deno.test(`values of the type ${type}`, () => {
    for (const value of right) assert.ok(fitsType(value, type), value);
    for (const value of wrong) assert.ok(!fitsType(value, type), value.slice(0, 50));
  });
}

Deno.test("a type without a size is one of any size", () => {
  assert.deepEqual([["int", "int8"], ["uint", "uint64"], ["bool", "bool"]].map(([a, b]) => isSameType(a!, b!)), [
    true,
    true,
    true,
  ]);
  assert.deepEqual([["int", "uint8"], ["uint8", "uint16"], ["string", "ip"]].map(([a, b]) => isSameType(a!, b!)), [
    false,
    false,
    false,
  ]);
});

Deno.test("a parameter of an unknown type, and a default that is not of its type, are warned of", () => {
  const text =
    "params:\n  wasm:\n    a: {key: a, type: flaot32}\n    b:\n      key: b\n      type: uint8\n      defaultValue: x\n";
  const { problems } = checkMetadata(new TextEncoder().encode(text), "gadget.yaml");
  assert.deepEqual(problems.map(({ line, column, severity, text }) => [line, column, severity, text]), [
    [3, 23, "warning", 'the type "flaot32" is not known; did you mean float32?'],
    [7, 21, "warning", 'defaultValue is no uint8: "x"'],
  ]);
});
