import { strict as assert } from "node:assert";
import { SatchelError } from "../../error.ts";
import { objectOf } from "../inspect/_fixture.ts";
import { type NewType, objectWith } from "./_write_object.ts";
import { readParam, readParams } from "./params.ts";

const INT: NewType = {
  kind: "int",
  name: "int",
  size: 4,
  bits: 32,
  bitOffset: 0,
  isSigned: true,
  isChar: false,
  isBool: false,
};
const CHAR: NewType = {
  kind: "int",
  name: "char",
  size: 1,
  bits: 8,
  bitOffset: 0,
  isSigned: true,
  isChar: false,
  isBool: false,
};

/** An object with one constant `x`, whose type is the last one of these; 1 is `int`, 2 `char`. */
function constant(types: NewType[], bytes: number[], isLittleEndian = true) {
  const all = [INT, CHAR, ...types];
  const last = all.length;
  const object = objectWith(
    [
      ...all,
      { kind: "volatile", name: "", typeId: last },
      { kind: "const", name: "", typeId: last + 1 },
      { kind: "var", name: "x", typeId: last + 2, linkage: "global" },
    ],
    [{ name: "x", bytes: Uint8Array.from(bytes) }],
    { isLittleEndian },
  );
  return readParam(object, "x");
}

Deno.test("parameters have the variable, the type's name and the default of the program", () => {
  const params = readParams(objectOf("params"));
  assert.deepEqual(params.map((each) => [each.variable, each.typeName, each.cType, each.size, each.default]), [
    ["targ_pid", "uint32", "gadget_pid", 4, "0"],
    ["targ_uid", "uint32", "gadget_uid", 4, "4294967295"],
    ["targ_comm", "string", "gadget_comm[16]", 16, ""],
    ["verbose", "bool", "_Bool", 1, "true"],
    ["offset", "int32", "__s32", 4, "-5"],
    ["tiny", "uint8", "__u8", 1, "200"],
    ["big", "int64", "__s64", 8, "-9000000000"],
    ["port", "uint16", "__u16", 2, "443"],
    ["prefix", "string", "char[8]", 8, "abc"],
  ]);
  assert.ok(params.every(({ problem }) => problem === undefined));
});

Deno.test("each architecture has its own defaults", () => {
  assert.equal(readParams(objectOf("ebpf-and-wasm", "amd64"))[0]?.default, "86");
  assert.equal(readParams(objectOf("ebpf-and-wasm", "arm64"))[0]?.default, "64");
});

Deno.test("a constant that has no marker can be read by its name", () => {
  const { typeName, default: value } = readParam(objectOf("params"), "not_a_param");
  assert.deepEqual([typeName, value], ["uint64", "7"]);
});

Deno.test("what cannot be set says why", () => {
  const object = objectWith([
    INT,
    { kind: "var", name: "plain", typeId: 1, linkage: "global" },
    { kind: "const", name: "", typeId: 1 },
    { kind: "var", name: "fixed", typeId: 3, linkage: "global" },
    { kind: "volatile", name: "", typeId: 1 },
    { kind: "const", name: "", typeId: 5 },
    { kind: "var", name: "local", typeId: 6, linkage: "static" },
    { kind: "struct", name: "record", size: 0, members: [] },
  ]);
  const problems = ["plain", "fixed", "local", "record", "nothing"].map((name) => readParam(object, name).problem);
  assert.deepEqual(problems, [
    '"plain" is not const',
    '"fixed" is not volatile',
    '"local" is not a global variable',
    '"record" is a struct of the eBPF object, not a variable',
    'variable "nothing" not found in the eBPF object',
  ]);
});

Deno.test("a parameter that a marker names and the object lacks is there with its problem", () => {
  const object = objectWith([
    { kind: "const", name: "", typeId: 0 },
    { kind: "ptr", name: "", typeId: 1 },
    { kind: "var", name: "gadget_param_gone", typeId: 2, linkage: "global" },
  ]);
  assert.deepEqual(readParams(object).map(({ variable, problem }) => [variable, problem]), [
    ["gone", 'variable "gone" not found in the eBPF object'],
  ]);
});

Deno.test("numbers are read in the byte order of the object", () => {
  assert.equal(constant([{ kind: "typedef", name: "t", typeId: 1 }], [0, 0, 1, 0], false).default, "256");
  assert.equal(constant([{ kind: "typedef", name: "t", typeId: 1 }], [0, 0, 1, 0], true).default, "65536");
});

Deno.test("floats have no more digits than they need", () => {
  const f32 = [...new Uint8Array(Float32Array.of(0.1).buffer)];
  const f64 = [...new Uint8Array(Float64Array.of(0.1).buffer)];
  assert.equal(constant([{ kind: "float", name: "float", size: 4 }], f32).default, "0.1");
  assert.equal(constant([{ kind: "float", name: "double", size: 8 }], f64).default, "0.1");
});

Deno.test("enumerations have the number and its name", () => {
  const values = [{ name: "RED", value: 0n }, { name: "BLUE", value: -2n }];
  const colour = constant([{ kind: "enum", name: "colour", size: 4, isSigned: true, values }], [
    0xfe,
    0xff,
    0xff,
    0xff,
  ]);
  assert.deepEqual([colour.default, colour.enumerator, colour.cType], ["-2", "BLUE", "enum colour"]);
});

Deno.test("integers of 16 bytes are read whole", () => {
  const wide: NewType = {
    kind: "int",
    name: "__int128",
    size: 16,
    bits: 128,
    bitOffset: 0,
    isSigned: true,
    isChar: false,
    isBool: false,
  };
  const param = constant([wide], [...new Array(15).fill(0), 0x80]);
  assert.deepEqual([param.typeName, param.default], [undefined, String(-(2n ** 127n))]);
});

Deno.test("arrays are told item by item, long ones and structures not at all", () => {
  const array = (typeId: number, length: number): NewType => ({
    kind: "array",
    name: "",
    typeId,
    indexTypeId: 1,
    length,
  });
  assert.equal(constant([array(1, 2)], [1, 0, 0, 0, 2, 0, 0, 0]).default, "1,2");
  assert.equal(constant([array(2, 3), array(3, 2)], [...new TextEncoder().encode("ab\0cd\0")]).default, "ab,cd");
  assert.equal(constant([array(1, 65)], new Array(260).fill(0)).default, undefined);
  const pair: NewType = {
    kind: "struct",
    name: "pair",
    size: 4,
    members: [{ name: "a", typeId: 1, bitOffset: 0, bitSize: 0 }],
  };
  assert.deepEqual(constant([pair], [1, 0, 0, 0]).default, undefined);
});

Deno.test("an address is a parameter of the type ip", () => {
  const endpoint: NewType = { kind: "struct", name: "gadget_l3endpoint_t", size: 20, members: [] };
  assert.equal(constant([endpoint], new Array(20).fill(0)).typeName, "ip");
});

Deno.test("text that is no UTF-8 or fills its array is told as far as it can be", () => {
  const text = (length: number): NewType => ({ kind: "array", name: "", typeId: 2, indexTypeId: 1, length });
  assert.equal(constant([text(3)], [0x61, 0xff, 0x62]).default, "a\ufffdb");
});

Deno.test("text of more than 4 KiB is no default that is told", () => {
  const array = (length: number): NewType => ({ kind: "array", name: "", typeId: 2, indexTypeId: 1, length });
  assert.equal(constant([array(4096)], new Array(4096).fill(0x61)).default?.length, 4096);
  assert.equal(constant([array(4097)], new Array(4097).fill(0x61)).default, undefined);
});

Deno.test("a symbol that is not as long as its type has no default", () => {
  assert.equal(constant([{ kind: "typedef", name: "t", typeId: 1 }], [1, 0]).default, undefined);
});

Deno.test("arrays of nothing, however they nest, are no work", () => {
  const levels: NewType[] = [{ kind: "struct", name: "nothing", size: 0, members: [] }];
  for (let depth = 0; depth < 20; depth++) {
    levels.push({ kind: "array", name: "", typeId: 3 + depth, indexTypeId: 1, length: 64 });
  }
  assert.equal(constant(levels, []).default, undefined);
});

Deno.test("types that go round in a circle are an error", () => {
  const circle: NewType[] = [{ kind: "typedef", name: "a", typeId: 4 }, { kind: "typedef", name: "b", typeId: 3 }];
  assert.throws(() => constant(circle, [0, 0, 0, 0]), SatchelError);
});
