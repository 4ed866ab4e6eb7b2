import { strict as assert } from "node:assert";
import fc from "fast-check";
import { unlessInvalid } from "../_outcome.ts";
import { Btf } from "./btf.ts";
import { BtfBuilder, writeBtf } from "./_write_btf.ts";

const KIND = 7;

/** BTF of some types, with a change to its bytes; numbers are of little endian. */
function changed(build: (types: BtfBuilder) => void, change: (view: DataView) => void): () => Btf {
  const builder = new BtfBuilder();
  build(builder);
  const bytes = writeBtf(builder.types, true);
  change(new DataView(bytes.buffer));
  return () => new Btf(bytes, "x.o: .BTF");
}

function btfOf(build: (types: BtfBuilder) => void): Btf {
  const builder = new BtfBuilder();
  build(builder);
  return new Btf(writeBtf(builder.types, true), "x.o: .BTF");
}

const anInt = (types: BtfBuilder) => void types.int();

/** What is wrong, how it comes to be, and what is said. */
const REFUSED: [what: string, read: () => unknown, message: string][] = [
  ["nothing", () => new Btf(new Uint8Array(), "x.o: .BTF"), "x.o: .BTF is no BTF"],
  ["another magic", changed(anInt, (view) => view.setUint16(0, 0xeb9e, true)), "x.o: .BTF is no BTF"],
  ["a later version", changed(anInt, (view) => view.setUint8(2, 2)), "x.o: .BTF: BTF of version 2"],
  ["a short header", changed(anInt, (view) => view.setUint32(4, 20, true)), "x.o: .BTF: a header of 20 bytes"],
  [
    "a header that is longer than all",
    changed(anInt, (view) => view.setUint32(4, 0xffff_ffff, true)),
    "x.o: .BTF: the string section reaches beyond the end",
  ],
  [
    "types outside",
    changed(anInt, (view) => view.setUint32(8, 0xffff_fff0, true)),
    "x.o: .BTF: the type section reaches beyond the end",
  ],
  [
    "4 GB of types",
    changed(anInt, (view) => view.setUint32(12, 0xffff_fffc, true)),
    "x.o: .BTF: the type section reaches beyond the end",
  ],
  [
    "strings outside",
    changed(anInt, (view) => view.setUint32(16, 0xffff_fff0, true)),
    "x.o: .BTF: the string section reaches beyond the end",
  ],
  [
    "half a word",
    changed(anInt, (view) => view.setUint32(12, 15, true)),
    "x.o: .BTF: type section: its length is not a multiple of 4 bytes",
  ],
  [
    "half a type",
    changed(anInt, (view) => view.setUint32(12, 8, true)),
    "x.o: .BTF: type section: type 1 is cut off",
  ],
  [
    "a type without what follows it",
    changed(anInt, (view) => view.setUint32(12, 12, true)),
    "x.o: .BTF: type section: type 1 is cut off",
  ],
  [
    "65,535 members that are not there",
    changed((types) => void types.struct("s", []), (view) => view.setUint16(24 + 4, 0xffff, true)),
    "x.o: .BTF: type section: type 1 is cut off",
  ],
  [
    "kind 0",
    changed(anInt, (view) => view.setUint8(24 + KIND, 0)),
    "x.o: .BTF: type section: type 1 is of unknown kind 0",
  ],
  [
    "kind 20",
    changed(anInt, (view) => view.setUint8(24 + KIND, 20)),
    "x.o: .BTF: type section: type 1 is of unknown kind 20",
  ],
  [
    "a name outside",
    () => changed(anInt, (view) => view.setUint32(24, 1000, true))().type(1),
    "x.o: .BTF: string section: a name begins beyond the end",
  ],
  [
    "a name without an end",
    () => changed(anInt, (view) => view.setUint8(view.byteLength - 1, 0x61))().type(1),
    "x.o: .BTF: string section: a name does not end",
  ],
  [
    "a name of 4,097 bytes",
    () => btfOf((types) => void types.int("x".repeat(4097))).type(1),
    "x.o: .BTF: string section: a name has more than 4096 bytes",
  ],
  ["a type that is not there", () => btfOf(anInt).type(2), "x.o: .BTF: there is no type 2"],
  [
    "a pointer to what is not there",
    () => btfOf((types) => void types.pointer(2)).type(1),
    "x.o: .BTF: type section: there is no type 2",
  ],
  [
    "a member of a type that is not there",
    () => btfOf((types) => void types.struct("s", [["m", 2]])).type(1),
    "x.o: .BTF: type section: there is no type 2",
  ],
  [
    "an unknown linkage",
    () => changed((types) => void types.variable("v", 0), (view) => view.setUint32(24 + 12, 3, true))().type(1),
    "x.o: .BTF: type section: an unknown linkage (3)",
  ],
  [
    "a typedef of itself",
    () => btfOf((types) => void types.add({ kind: "typedef", name: "t", typeId: 1 })).withoutModifiers(1),
    "x.o: .BTF: type 1 is a typedef of itself",
  ],
  [
    "an array of itself",
    () => btfOf((types) => void types.add({ kind: "array", name: "", typeId: 1, indexTypeId: 0, length: 1 })).sizeOf(1),
    "x.o: .BTF: type 1 contains itself",
  ],
  [
    "a variable of itself",
    () => btfOf((types) => void types.variable("v", 1)).sizeOf(1),
    "x.o: .BTF: type 1 contains itself",
  ],
  [
    "an array of arrays that is too large for a number",
    () =>
      btfOf((types) => {
        const int = types.int();
        const inner = types.add({ kind: "array", name: "", typeId: int, indexTypeId: int, length: 0xffff_ffff });
        types.add({ kind: "array", name: "", typeId: inner, indexTypeId: int, length: 0xffff_ffff });
      }).sizeOf(3),
    "x.o: .BTF: type 3 is too large",
  ],
];

for (const [what, read, message] of REFUSED) {
  Deno.test(`BTF with ${what} is invalid`, () => assert.throws(read, { code: "invalid", message }));
}

Deno.test("sixty-four modifiers in a row are no circle", () => {
  const btf = btfOf((types) => {
    let id = types.int();
    for (let count = 0; count < 64; count++) id = types.add({ kind: "const", name: "", typeId: id });
  });
  assert.equal(btf.withoutModifiers(65).kind, "int");
  assert.equal(btf.sizeOf(65), 4);
});

Deno.test("types that share one long name are refused before much of them is read", () => {
  // All have the same name of 4,000 bytes; together those are 300 times the length of the file.
  const builder = new BtfBuilder();
  for (let count = 0; count < 100_000; count++) builder.add({ kind: "fwd", name: "x".repeat(4000), isUnion: false });
  const bytes = writeBtf(builder.types, true);
  const btf = new Btf(bytes, "x.o: .BTF");
  assert.throws(() => btf.named("x"), {
    code: "invalid",
    message: "x.o: .BTF: string section: its names have more than 268435456 bytes altogether",
  });
});

Deno.test("BTF that is cut off anywhere is invalid", () => {
  const builder = new BtfBuilder();
  builder.map("m", { type: 1, max_entries: 2 }, { key: builder.int() });
  const bytes = writeBtf(builder.types, false);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => new Btf(bytes.subarray(0, length), "x"), { code: "invalid" }, `${length} bytes`);
  }
});

Deno.test("whatever bytes there are, reading BTF of them gives types or is refused", () => {
  const body = fc.uint8Array({ maxLength: 300 });
  const bytes = fc.oneof(
    body,
    // With a header that is right, so that more of it is read.
    fc.record({ body, types: fc.nat(75), swap: fc.boolean() }).map(({ body, types, swap }) => {
      const all = new Uint8Array(24 + body.length);
      const view = new DataView(all.buffer);
      view.setUint16(0, 0xeb9f, !swap);
      view.setUint8(2, 1);
      const length = Math.min(4 * types, body.length);
      [24, 0, length, length, body.length - length].forEach((value, index) =>
        view.setUint32(4 + 4 * index, value, !swap)
      );
      // Kinds are few, and names short.
      all.set(body.map((byte, index) => index < length && index % 4 === (swap ? 0 : 3) ? byte % 21 : byte % 8), 24);
      return all;
    }),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      const btf = unlessInvalid(() => new Btf(bytes, "x"));
      if (!btf) return;
      for (let id = 0; id < btf.count; id++) {
        unlessInvalid(() => btf.type(id));
        unlessInvalid(() => btf.sizeOf(id));
      }
      unlessInvalid(() => btf.named("x"));
    }),
    { numRuns: 2000 },
  );
});
