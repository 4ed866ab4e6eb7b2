import { strict as assert } from "node:assert";
import fc from "fast-check";
import { Btf } from "./btf.ts";
import { writeBtf } from "./_write_btf.ts";
import type { BtfEnum, BtfType } from "./types.ts";

const MAX_TYPES = 12;

/** Objects like those of the reader. */
const PLAIN = { noNullPrototype: true } as const;

const name = fc.string({ unit: "binary", maxLength: 12 }).map((text) => text.replaceAll("\0", "_"));
const id = fc.nat(MAX_TYPES);
const u32 = fc.nat(0xffff_ffff);
const linkage = fc.constantFrom("static" as const, "global" as const, "extern" as const);
const none = fc.constant("" as const);

function enumeration(kind: BtfEnum["kind"]): fc.Arbitrary<BtfType> {
  const bits = kind === "enum" ? 32n : 64n;
  return fc.boolean().chain((isSigned) => {
    const [min, max] = isSigned ? [-(1n << bits - 1n), (1n << bits - 1n) - 1n] : [0n, (1n << bits) - 1n];
    const values = fc.array(fc.record({ name, value: fc.bigInt({ min, max }) }, PLAIN), { maxLength: 5 });
    return type({ kind: fc.constant(kind), name, size: u32, isSigned: fc.constant(isSigned), values });
  });
}

function type(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<BtfType> {
  return fc.record({ ...fields, id: fc.constant(0) }, PLAIN) as unknown as fc.Arbitrary<BtfType>;
}

const member = fc.record({ name, typeId: id, bitOffset: fc.nat(0xff_ffff), bitSize: fc.nat(255) }, PLAIN);
const wideMember = fc.record({ name, typeId: id, bitOffset: u32, bitSize: fc.constant(0) }, PLAIN);
const members = fc.oneof(fc.array(member, { maxLength: 5 }), fc.array(wideMember, { maxLength: 5 }));
const bits = fc.nat(255);

const anyType: fc.Arbitrary<BtfType> = fc.oneof(
  type({
    kind: fc.constant("int"),
    name,
    size: u32,
    bits,
    bitOffset: bits,
    isSigned: fc.boolean(),
    isChar: fc.boolean(),
    isBool: fc.boolean(),
  }),
  type({ kind: fc.constant("float"), name, size: u32 }),
  type({ kind: fc.constant("ptr"), name: none, typeId: id }),
  type({ kind: fc.constant("array"), name: none, typeId: id, indexTypeId: id, length: u32 }),
  type({ kind: fc.constantFrom("struct", "union"), name, size: u32, members }),
  enumeration("enum"),
  enumeration("enum64"),
  type({ kind: fc.constant("fwd"), name, isUnion: fc.boolean() }),
  type({ kind: fc.constantFrom("typedef", "volatile", "const", "restrict", "type_tag"), name, typeId: id }),
  type({ kind: fc.constant("func"), name, typeId: id, linkage }),
  type({
    kind: fc.constant("func_proto"),
    name: none,
    returnTypeId: id,
    params: fc.array(fc.record({ name, typeId: id }, PLAIN), { maxLength: 5 }),
  }),
  type({ kind: fc.constant("var"), name, typeId: id, linkage }),
  type({
    kind: fc.constant("datasec"),
    name,
    size: u32,
    variables: fc.array(fc.record({ typeId: id, offset: u32, size: u32 }, PLAIN), { maxLength: 5 }),
  }),
  type({ kind: fc.constant("decl_tag"), name, typeId: id, componentIndex: fc.integer({ min: -1 }) }),
);

const types = fc.array(anyType, { minLength: MAX_TYPES, maxLength: MAX_TYPES })
  .map((all) => all.map((each, index) => ({ ...each, id: index + 1 }) as BtfType));

Deno.test("types of every kind are read as they were written, in both byte orders", () => {
  fc.assert(fc.property(types, fc.boolean(), (written, isLittleEndian) => {
    const [nothing, ...read] = new Btf(writeBtf(written, isLittleEndian), "x");
    assert.deepEqual(nothing, { kind: "void", id: 0, name: "" });
    assert.deepEqual(read, written);
  }));
});

Deno.test("types are found by their kinds and names", () => {
  fc.assert(fc.property(types, (written) => {
    const btf = new Btf(writeBtf(written, true), "x");
    for (const { kind, name } of written) {
      assert.deepEqual(
        btf.find(kind, name),
        name === "" ? undefined : written.find((each) => each.kind === kind && each.name === name),
      );
      assert.deepEqual([...btf.ofKind(kind)], written.filter((each) => each.kind === kind));
    }
  }));
});
