import { strict as assert } from "node:assert";
import fc from "fast-check";
import { unlessInvalid } from "../_outcome.ts";
import { ELF, parseElf, readRelocations, relocationTables } from "./elf.ts";
import { type ElfForm, type NewSection, writeElf } from "./_write_elf.ts";
import { ByteWriter } from "../_bytes.ts";

const FORMS: ElfForm[] = [true, false].flatMap((is64Bit) =>
  [true, false].map((isLittleEndian) => ({ is64Bit, isLittleEndian }))
);

const L64: ElfForm = { is64Bit: true, isLittleEndian: true };

function formName({ is64Bit, isLittleEndian }: ElfForm): string {
  return `${is64Bit ? 64 : 32} bits, ${isLittleEndian ? "little" : "big"} endian`;
}

for (const form of FORMS) {
  Deno.test(`sections and symbols are read: ${formName(form)}`, () => {
    const text = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const file = writeElf({ ...form, machine: 3 }, [
      { name: "text", flags: ELF.ALLOC | ELF.EXECUTE, bytes: text, link: 4, info: 5 },
      { name: ".bss", type: ELF.NOBITS, size: 0x7fff_ffff },
    ], [
      { name: "start", section: 1, value: 2, size: 6, type: ELF.FUNCTION },
      { name: "größe", section: 2, type: ELF.OBJECT, binding: ELF.WEAK },
    ]);
    const elf = parseElf(file, "x.o");
    const { is64Bit, isLittleEndian, type, machine, sections, symbols } = elf;
    assert.deepEqual({ is64Bit, isLittleEndian, type, machine }, { ...form, type: ELF.REL, machine: 3 });
    const plain = sections.map(({ data, ...section }) => ({ ...section, bytes: data.length }));
    assert.deepEqual(plain.slice(0, 3), [
      { index: 0, name: "", type: 0, flags: 0, size: 0, link: 0, info: 0, bytes: 0 },
      { index: 1, name: "text", type: 1, flags: 6, size: 8, link: 4, info: 5, bytes: 8 },
      { index: 2, name: ".bss", type: 8, flags: 0, size: 0x7fff_ffff, link: 0, info: 0, bytes: 0 },
    ]);
    assert.deepEqual(sections.slice(3).map(({ name }) => name), [".symtab", ".strtab"]);
    assert.deepEqual(sections[1]!.data.bytes, text);
    assert.deepEqual(symbols.slice(1), [
      { name: "start", value: 2, size: 6, type: 2, binding: 1, visibility: 0, section: 1 },
      { name: "größe", value: 0, size: 0, type: 1, binding: 2, visibility: 0, section: 2 },
    ]);
  });

  Deno.test(`relocations are read with and without addends: ${formName(form)}`, () => {
    const word = (writer: ByteWriter, value: number) => writer.word(value, form.is64Bit);
    const info = (writer: ByteWriter, symbol: number, type: number) =>
      form.is64Bit ? writer.u64(BigInt(symbol) << 32n | BigInt(type)) : writer.u32(symbol << 8 | type);
    const rel = info(word(new ByteWriter(form.isLittleEndian), 16), 3, 10);
    const rela = info(word(new ByteWriter(form.isLittleEndian), 24), 4, 1);
    if (form.is64Bit) rela.u64(BigInt.asUintN(64, -5n));
    else rela.u32(0xffff_fffb);
    const elf = parseElf(
      writeElf(form, [
        { name: ".rela", type: ELF.RELA, info: 3, bytes: rela.bytes },
        { name: ".rel", type: ELF.RELOCATIONS, info: 3, bytes: rel.bytes },
        { name: "text" },
      ]),
      "x.o",
    );
    const tables = relocationTables(elf);
    assert.deepEqual([...tables.keys()], [3]);
    assert.deepEqual(tables.get(3)!.map((table) => readRelocations(elf, table)), [
      [{ offset: 24, type: 1, symbol: 4, addend: -5n }],
      [{ offset: 16, type: 10, symbol: 3, addend: 0n }],
    ]);
  });
}

Deno.test("a file without section headers has no sections and symbols", () => {
  const file = writeElf(L64, []);
  new DataView(file.buffer).setBigUint64(40, 0n);
  const { sections, symbols } = parseElf(file, "x.o");
  assert.deepEqual([sections, symbols], [[], []]);
});

Deno.test("sections that are more than the header can count are read", () => {
  const count = 0xff10;
  const file = writeElf(L64, Array.from({ length: count - 3 }, (): NewSection => ({ name: "s" })));
  const view = new DataView(file.buffer);
  const tableAt = Number(view.getBigUint64(40, true));
  view.setUint16(60, 0, true);
  view.setUint16(62, 0xffff, true);
  view.setBigUint64(tableAt + 32, BigInt(count), true);
  view.setUint32(tableAt + 40, count - 1, true);
  assert.equal(parseElf(file, "x.o").sections.length, count);
  assert.equal(parseElf(file, "x.o").sections.at(-1)!.name, ".strtab");
});

/** An object of one section with a change; `table` is where the section headers begin, each of 64 bytes. */
function changed(change: (view: DataView, table: number) => void, sections: NewSection[] = [{ name: "text" }]) {
  const file = writeElf(L64, sections, [{ name: "main", section: 1 }]);
  const view = new DataView(file.buffer);
  change(view, Number(view.getBigUint64(40, true)));
  return file;
}

const REFUSED: [what: string, file: () => Uint8Array, message: string][] = [
  ["nothing", () => new Uint8Array(), "x.o is no ELF file"],
  ["a script", () => new TextEncoder().encode("#!/bin/sh\n"), "x.o is no ELF file"],
  [
    "an unknown class",
    () => changed((view) => view.setUint8(4, 3)),
    "x.o is an ELF file of an unknown class or byte order",
  ],
  [
    "an unknown byte order",
    () => changed((view) => view.setUint8(5, 0)),
    "x.o is an ELF file of an unknown class or byte order",
  ],
  ["four bytes", () => changed(() => {}).subarray(0, 4), "x.o is an ELF file of an unknown class or byte order"],
  ["half a header", () => changed(() => {}).subarray(0, 63), "x.o: the ELF header is cut off"],
  [
    "section headers of 63 bytes",
    () => changed((view) => view.setUint16(58, 63, true)),
    "x.o: section headers of 63 bytes",
  ],
  [
    "section headers outside",
    () => changed((view) => view.setBigUint64(40, 1n << 40n, true)),
    "x.o: the first section header reaches beyond the end",
  ],
  [
    "section headers at an offset that is no number",
    () => changed((view) => view.setBigUint64(40, ~0n, true)),
    "x.o: an offset or a length of 18446744073709552000 bytes",
  ],
  [
    "more section headers than there are bytes",
    () => changed((view) => view.setUint16(60, 0xfeff, true)),
    "x.o: the table of section headers reaches beyond the end",
  ],
  [
    "four thousand million section headers",
    () =>
      changed((view, table) => {
        view.setUint16(60, 0, true);
        view.setBigUint64(table + 32, 0xffff_ffffn, true);
      }),
    "x.o: the table of section headers reaches beyond the end",
  ],
  [
    "a hundred thousand and one sections",
    () => {
      const file = new Uint8Array(64 + 64 * 100_001);
      file.set(writeElf(L64, []).subarray(0, 64));
      const view = new DataView(file.buffer);
      view.setBigUint64(40, 64n, true);
      view.setUint16(60, 0, true);
      view.setBigUint64(64 + 32, 100_001n, true);
      return file;
    },
    "x.o: it has 100001 sections, and at most 100000 are read",
  ],
  [
    "a section outside",
    () => changed((view, table) => view.setBigUint64(table + 64 + 24, 1n << 30n, true)),
    "x.o: the section 1 reaches beyond the end",
  ],
  [
    "a section of 4 GB",
    () => changed((view, table) => view.setBigUint64(table + 64 + 32, 1n << 32n, true)),
    "x.o: the section 1 reaches beyond the end",
  ],
  [
    "sections that are the whole file",
    () =>
      changed((view, table) => {
        view.setBigUint64(table + 64 + 24, 0n, true);
        view.setBigUint64(table + 64 + 32, BigInt(view.byteLength), true);
      }),
    "x.o: its sections overlap",
  ],
  [
    "names of sections in a section that is not there",
    () => changed((view) => view.setUint16(62, 77, true)),
    "x.o: the section of the sections' names is not there",
  ],
  [
    "a name of a section outside",
    () => changed((view, table) => view.setUint32(table + 64, 0xffff_ffff, true)),
    "x.o: section 3: a name begins beyond the end",
  ],
  [
    "a name of a section without an end",
    () =>
      changed((view, table) => {
        const end = Number(view.getBigUint64(table + 3 * 64 + 32, true));
        view.setBigUint64(table + 3 * 64 + 32, BigInt(end - 1), true);
      }),
    "x.o: section 3: a name does not end",
  ],
  [
    "names of symbols in a section that is no table of names",
    () => changed((view, table) => view.setUint32(table + 2 * 64 + 40, 1, true)),
    "x.o: section 2: the symbols' names are not there",
  ],
  [
    "a quarter of a million and one symbols",
    () => {
      const [file, count] = [writeElf(L64, [{ name: "zeros", bytes: new Uint8Array(24 * 250_001) }]), 250_001n];
      const view = new DataView(file.buffer);
      const table = Number(view.getBigUint64(40, true));
      view.setUint32(table + 64 + 4, ELF.SYMTAB, true);
      view.setUint32(table + 64 + 40, 3, true);
      assert.equal(view.getBigUint64(table + 64 + 32, true), 24n * count);
      return file;
    },
    "x.o: section 1: it has 250001 symbols, and at most 250000 are read",
  ],
  [
    "a name of a symbol of 4,097 bytes",
    () => writeElf(L64, [], [{ name: "x".repeat(4097), section: 1 }]),
    "x.o: section 2: a name has more than 4096 bytes",
  ],
];

for (const [what, file, message] of REFUSED) {
  Deno.test(`an ELF file with ${what} is invalid`, () => {
    assert.throws(() => parseElf(file(), "x.o"), { code: "invalid", message });
  });
}

for (const form of FORMS) {
  Deno.test(`an ELF file that is cut off anywhere is invalid: ${formName(form)}`, () => {
    const file = writeElf(form, [{ name: "text", bytes: new Uint8Array(16) }], [{ name: "main", section: 1 }]);
    for (let length = 0; length < file.length; length++) {
      assert.throws(() => parseElf(file.subarray(0, length), "x.o"), { code: "invalid" }, `${length} bytes`);
    }
  });
}

Deno.test("whatever is changed in an ELF file, it is read or refused", () => {
  const files = FORMS.map((form) =>
    writeElf(form, [{ name: "text", bytes: new Uint8Array(16) }, { name: ".rel", type: ELF.RELA, info: 1 }], [
      { name: "main", section: 1 },
    ])
  );
  const change = fc.record({ at: fc.nat(1000), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.constantFrom(...files), fc.array(change, { minLength: 1, maxLength: 8 }), (file, changes) => {
      const bytes = file.slice();
      for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
      unlessInvalid(() => {
        const elf = parseElf(bytes, "x.o");
        for (const tables of relocationTables(elf).values()) {
          for (const table of tables) readRelocations(elf, table);
        }
      });
    }),
    { numRuns: 5000 },
  );
});
