import { strict as assert } from "node:assert";
import type { BtfType } from "../btf/types.ts";
import { readEbpfObject } from "../object/object.ts";
import { annotationsOf, fieldsOf, type StructField } from "./fields.ts";

const INTEGER = { id: 1, bitOffset: 0, isSigned: false, isChar: false, isBool: false } as const;

function integer(size: number, more: Partial<Extract<BtfType, { kind: "int" }>> = {}): BtfType {
  return { kind: "int", name: "int", size, bits: size * 8, ...INTEGER, ...more };
}

function field(name: string, base: BtfType, names: string[] = [], dimensions: number[] = []): StructField {
  return { name, names: [name], type: { names, base, dimensions, isNamed: names.length > 0 }, isShown: true };
}

const CHAR = integer(1, { name: "char", isSigned: true });
const ENDPOINT: BtfType = { kind: "struct", id: 2, name: "gadget_l4endpoint_t", size: 24, members: [] };

for (
  const [what, of, expected] of [
    ["a type with a meaning has its template", field("when", integer(8), ["gadget_timestamp", "__u64"]), {
      template: "timestamp",
    }],
    ["so has a structure with one", field("src", ENDPOINT, ["gadget_l4endpoint_t"]), { template: "l4endpoint" }],
    ["and an array of such a type", field("task", CHAR, ["gadget_comm", "char"], [16]), { template: "comm" }],
    ["a name with a meaning has it if the size fits", field("pid", integer(4)), { template: "pid" }],
    ["but not if it does not fit", field("pid", integer(2)), { "columns.alignment": "right", "columns.width": "5" }],
    ["a text is as wide as it may be", field("proto", CHAR, ["char"], [9]), { "columns.width": "8" }],
    ["but not too wide", field("path", CHAR, ["char"], [4096]), { "columns.width": "40" }],
    ["a number has room for the largest one", field("n", integer(8)), {
      "columns.alignment": "right",
      "columns.width": "20",
    }],
    ["and for its sign", field("n", integer(4, { isSigned: true })), {
      "columns.alignment": "right",
      "columns.width": "11",
    }],
    ["and at least for its name", field("generation", integer(1)), {
      "columns.alignment": "right",
      "columns.width": "10",
    }],
    ["an address is a hexadecimal one", field("fault_addr", integer(8)), {
      "columns.hex": "true",
      "columns.width": "18",
    }],
    ["a truth value is a word", field("ok", integer(1, { isBool: true })), { "columns.width": "5" }],
    ["of an array of numbers nothing is known", field("words", integer(4), [], [3]), {}],
    ["nor of what goes round in a circle", { ...field("x", integer(4)), type: undefined }, {}],
  ] as const
) {
  Deno.test(`${what}`, () => assert.deepEqual(Object.fromEntries(annotationsOf(of)), expected));
}

Deno.test("fields are those that ig shows, and members of members are known by their paths", () => {
  const path = new URL("../../../tests/fixtures/gadgets/kinds/objects/amd64.bpf.o", import.meta.url);
  const { btf } = readEbpfObject(Deno.readFileSync(path), "kinds");
  const fields = fieldsOf(btf!, btf!.find("struct", "kinds")!);
  const left = fields.filter(({ isShown }) => !isShown).map(({ name }) => name);
  assert.deepEqual(left, ["wide", "", "pointer", "fwd", "fn", "leaves", "__skipped", "empty"]);
  assert.deepEqual(fields.find(({ name }) => name === "leaf")!.names, ["leaf", "leaf.a", "leaf.b"]);
  assert.deepEqual(fields.find(({ name }) => name === "colour_raw")!.names, ["colour_raw", "colour"]);
});
