import { strict as assert } from "node:assert";
import fc from "fast-check";
import { ByteWriter, StringWriter } from "../_bytes.ts";
import { unlessInvalid } from "../_outcome.ts";
import { Btf } from "./btf.ts";
import { parseBtfExt } from "./btf_ext.ts";
import { writeBtf } from "./_write_btf.ts";

/** A part: the size of a record, then for each section its name and its records, which are words. */
type Part = { size: number; sections: [name: string, records: number[][]][] };

function writeExt(isLittleEndian: boolean, strings: StringWriter, parts: Part[]): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter(isLittleEndian);
  const places = parts.map(({ size, sections }) => {
    const at = body.length;
    body.u32(size);
    for (const [name, records] of sections) {
      body.u32(strings.add(name)).u32(records.length);
      for (const word of records.flat()) body.u32(word);
    }
    return [at, body.length - at];
  });
  const header = new ByteWriter(isLittleEndian).u16(0xeb9f).u8(1).u8(0).u32(8 + 8 * parts.length);
  for (const word of places.flat()) header.u32(word!);
  return header.put(body.bytes).bytes;
}

for (const isLittleEndian of [true, false]) {
  Deno.test(`functions, lines and relocations are read by section: ${isLittleEndian ? "little" : "big"} endian`, () => {
    const strings = new StringWriter();
    const [file, text, access] = ["/src/a.c", "\treturn 0;", "0:1"].map((each) => strings.add(each));
    const ext = writeExt(isLittleEndian, strings, [
      // Records may be longer than what is known of them.
      { size: 12, sections: [["xdp", [[0, 3, 99], [16, 4, 99]]], [".text", [[8, 5, 99]]]] },
      { size: 16, sections: [["xdp", [[8, file!, text!, 12 << 10 | 7]]]] },
      { size: 16, sections: [["xdp", [[24, 6, access!, 2]]]] },
    ]);
    const btf = new Btf(writeBtf([], isLittleEndian, strings), "x");
    assert.deepEqual(
      parseBtfExt(ext, btf, "x"),
      new Map([
        ["xdp", {
          functions: [{ offset: 0, typeId: 3 }, { offset: 16, typeId: 4 }],
          lines: [{ offset: 8, file: "/src/a.c", text: "\treturn 0;", line: 12, column: 7 }],
          coreRelocations: [{ offset: 24, typeId: 6, access: "0:1", kind: 2 }],
        }],
        [".text", { functions: [{ offset: 8, typeId: 5 }], lines: [], coreRelocations: [] }],
      ]),
    );
  });
}

Deno.test("an old header without relocations is read", () => {
  const strings = new StringWriter();
  const ext = writeExt(true, strings, [{ size: 8, sections: [["xdp", [[0, 1]]]] }, { size: 16, sections: [] }]);
  assert.deepEqual(parseBtfExt(ext, new Btf(writeBtf([], true, strings), "x"), "x").get("xdp"), {
    functions: [{ offset: 0, typeId: 1 }],
    lines: [],
    coreRelocations: [],
  });
});

/** One part of one record, with a change. */
function refused(change: (view: DataView) => void): () => unknown {
  const strings = new StringWriter();
  const part: Part = { size: 8, sections: [["xdp", [[0, 1]]]] };
  const ext = writeExt(true, strings, [part, { size: 16, sections: [] }, { size: 16, sections: [] }]);
  change(new DataView(ext.buffer));
  return () => parseBtfExt(ext, new Btf(writeBtf([], true, strings), "x: .BTF"), "x: .BTF.ext");
}

const RECORD_SIZE = 32;
const NAME = 36;
const COUNT = 40;

const REFUSED: [what: string, change: (view: DataView) => void, message: string][] = [
  ["another magic", (view) => view.setUint8(0, 0), "x: .BTF.ext is no BTF.ext"],
  [
    "functions outside",
    (view) => view.setUint32(8, 1000, true),
    "x: .BTF.ext: the function part reaches beyond the end",
  ],
  [
    "4 GB of lines",
    (view) => view.setUint32(20, 0xffff_ffff, true),
    "x: .BTF.ext: the line part reaches beyond the end",
  ],
  [
    "records of 4 bytes",
    (view) => view.setUint32(RECORD_SIZE, 4, true),
    "x: .BTF.ext: function part: records of 4 bytes",
  ],
  [
    "records of 4 GB",
    (view) => view.setUint32(RECORD_SIZE, 0xffff_ffff, true),
    "x: .BTF.ext: function part: the part of xdp reaches beyond the end",
  ],
  [
    "four thousand million records",
    (view) => view.setUint32(COUNT, 0xffff_ffff, true),
    "x: .BTF.ext: function part: the part of xdp reaches beyond the end",
  ],
  [
    "a name of a section outside",
    (view) => view.setUint32(NAME, 1000, true),
    "x: .BTF: string section: a name begins beyond the end",
  ],
];

for (const [what, change, message] of REFUSED) {
  Deno.test(`BTF.ext with ${what} is invalid`, () => {
    assert.throws(refused(change), { code: "invalid", message });
  });
}

Deno.test("whatever is changed in BTF.ext, it is read or refused", () => {
  const change = fc.record({ at: fc.nat(60), value: fc.oneof(fc.nat(64), fc.nat(0xffff_ffff)) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      unlessInvalid(refused((view) => {
        for (const { at, value } of changes) view.setUint32(at % (view.byteLength - 4), value, true);
      }));
    }),
    { numRuns: 3000 },
  );
});
