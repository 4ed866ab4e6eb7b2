import { ByteWriter, StringWriter } from "../_bytes.ts";
import { ELF } from "./elf.ts";

/** A section to write. */
export interface NewSection {
  name: string;
  type?: number;
  flags?: number;
  link?: number;
  info?: number;
  bytes?: Uint8Array;
  /** If it is not that of the bytes: of `SHT_NOBITS`. */
  size?: number;
}

/** A symbol to write. */
export interface NewSymbol {
  name: string;
  value?: number;
  size?: number;
  type?: number;
  binding?: number;
  /** The index of its section, where the first that is given is 1. */
  section: number;
}

/** What kind of ELF file to write. */
export interface ElfForm {
  is64Bit: boolean;
  isLittleEndian: boolean;
  machine?: number;
}

/**
 * Writes an ELF object, for tests: the empty section, those given, then `.symtab`, `.strtab` with all names, and the table of
 * section headers.
 */
export function writeElf(
  form: ElfForm,
  sections: readonly NewSection[],
  symbols: readonly NewSymbol[] = [],
): Uint8Array<ArrayBuffer> {
  const { is64Bit, isLittleEndian, machine = ELF.BPF } = form;
  const strings = new StringWriter();
  const symtab = writeSymbols(form, symbols, strings);
  const namesIndex = sections.length + 2;
  const all: NewSection[] = [
    { name: "", type: 0 },
    ...sections,
    { name: ".symtab", type: ELF.SYMTAB, link: namesIndex, info: 1, bytes: symtab },
    { name: ".strtab", type: ELF.STRTAB },
  ];
  const nameOffsets = all.map(({ name }) => strings.add(name));
  all.at(-1)!.bytes = strings.bytes;

  const headerSize = is64Bit ? 64 : 52;
  const body = new ByteWriter(isLittleEndian).put(new Uint8Array(headerSize));
  const offsets = all.map(({ bytes }) => {
    const offset = body.align(8).length;
    body.put(bytes ?? new Uint8Array());
    return offset;
  });
  const tableAt = body.align(8).length;
  all.forEach((section, index) => {
    const { type = ELF.PROGBITS, flags = 0, link = 0, info = 0, bytes, size = bytes?.length ?? 0 } = section;
    body.u32(nameOffsets[index]!).u32(type).word(flags, is64Bit).word(0, is64Bit);
    body.word(offsets[index]!, is64Bit).word(size, is64Bit).u32(link).u32(info);
    body.word(1, is64Bit).word(0, is64Bit);
  });
  const file = body.bytes;
  file.set(writeHeader(form, machine, tableAt, all.length, namesIndex));
  return file;
}

function writeHeader(
  { is64Bit, isLittleEndian }: ElfForm,
  machine: number,
  tableAt: number,
  count: number,
  namesIndex: number,
): Uint8Array {
  return new ByteWriter(isLittleEndian)
    .put(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, is64Bit ? 2 : 1, isLittleEndian ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    .u16(ELF.REL).u16(machine).u32(1)
    .word(0, is64Bit).word(0, is64Bit).word(tableAt, is64Bit)
    .u32(0).u16(is64Bit ? 64 : 52).u16(0).u16(0)
    .u16(is64Bit ? 64 : 40).u16(count).u16(namesIndex).bytes;
}

function writeSymbols({ is64Bit, isLittleEndian }: ElfForm, symbols: readonly NewSymbol[], strings: StringWriter) {
  const table = new ByteWriter(isLittleEndian).put(new Uint8Array(is64Bit ? 24 : 16));
  for (const { name, value = 0, size = 0, type = ELF.NOTYPE, binding = ELF.GLOBAL, section } of symbols) {
    const [info, at] = [binding << 4 | type, strings.add(name)];
    if (is64Bit) table.u32(at).u8(info).u8(0).u16(section).u64(value).u64(size);
    else table.u32(at).u32(value).u32(size).u8(info).u8(0).u16(section);
  }
  return table.bytes;
}
