import { SatchelError } from "../../error.ts";
import { BinaryView, StringTable } from "../binary_view.ts";

/** The numbers of the ELF specification (gABI) that are used here. */
export const ELF = {
  /** Types of files. */
  REL: 1,
  /** Machines. */
  BPF: 247,
  /** Types of sections. */
  PROGBITS: 1,
  SYMTAB: 2,
  STRTAB: 3,
  RELA: 4,
  NOBITS: 8,
  RELOCATIONS: 9,
  /** Flags of sections. */
  WRITE: 1,
  ALLOC: 2,
  EXECUTE: 4,
  COMPRESSED: 0x800,
  /** Sections of symbols that are in none. */
  UNDEFINED: 0,
  FIRST_RESERVED: 0xff00,
  EXTENDED_INDEX: 0xffff,
  /** Types of symbols. */
  NOTYPE: 0,
  OBJECT: 1,
  FUNCTION: 2,
  SECTION: 3,
  /** Bindings of symbols. */
  LOCAL: 0,
  GLOBAL: 1,
  WEAK: 2,
} as const;

/** A section of an ELF file. Numbers mean what the specification says of `Elf64_Shdr`. */
export interface ElfSection {
  index: number;
  name: string;
  type: number;
  flags: number;
  /** Bytes, also of a section that has none in the file (`.bss`). */
  size: number;
  link: number;
  info: number;
  /** What of it is in the file: nothing of `.bss`. */
  data: BinaryView;
}

/** A symbol. */
export interface ElfSymbol {
  name: string;
  /** In an object: the offset in its section. */
  value: number;
  size: number;
  type: number;
  binding: number;
  visibility: number;
  /** The index of its section; `ELF.UNDEFINED` and what is at least `ELF.FIRST_RESERVED` are none. */
  section: number;
}

/** What is to be put into a section when it is loaded. */
export interface ElfRelocation {
  /** Where in the section. */
  offset: number;
  type: number;
  /** The index of the symbol. */
  symbol: number;
  /** Only of `SHT_RELA`. */
  addend: bigint;
}

/** An ELF file. */
export interface ElfFile {
  is64Bit: boolean;
  isLittleEndian: boolean;
  type: number;
  machine: number;
  /** In the order of the file, from the empty one at 0; none if the file has no section headers. */
  sections: ElfSection[];
  /** In the order of the file, from the empty one at 0; none if there is no symbol table. */
  symbols: ElfSymbol[];
}

/** The most sections that are read: with one for each function of a large program there are some thousands. */
const MAX_SECTIONS = 100_000;

/** The most symbols that are read; objects of gadgets have some hundreds. */
const MAX_SYMBOLS = 250_000;

const MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/** Sizes and places in the structures of 32 and of 64 bits. */
interface Layout {
  headerSize: number;
  sectionSize: number;
  symbolSize: number;
  word(view: BinaryView, at: number): number;
}

const LAYOUT_32: Layout = { headerSize: 52, sectionSize: 40, symbolSize: 16, word: (view, at) => view.u32(at) };
const LAYOUT_64: Layout = { headerSize: 64, sectionSize: 64, symbolSize: 24, word: (view, at) => view.offset64(at) };

/** Whether some bytes begin as an ELF file does. */
function isElf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/**
 * Reads an ELF file of 32 or 64 bits and either byte order. Sections are views of `bytes`; nothing that the file says is
 * believed before it is known to be inside.
 *
 * @param what what the bytes are, for error texts
 * @throws {SatchelError} `invalid` if it is none, or something in it is outside of it
 * @see https://gabi.xinuos.com/
 */
export function parseElf(bytes: Uint8Array, what: string): ElfFile {
  if (!isElf(bytes)) throw new SatchelError("invalid", `${what} is no ELF file`);
  const [bits, order] = bytes.subarray(4);
  if ((bits !== 1 && bits !== 2) || (order !== 1 && order !== 2)) {
    throw new SatchelError("invalid", `${what} is an ELF file of an unknown class or byte order`);
  }
  const view = new BinaryView(bytes, order === 1, what);
  const layout = bits === 2 ? LAYOUT_64 : LAYOUT_32;
  if (bytes.length < layout.headerSize) throw view.invalid("the ELF header is cut off");
  const sections = readSections(view, layout);
  return {
    is64Bit: bits === 2,
    isLittleEndian: order === 1,
    type: view.u16(16),
    machine: view.u16(18),
    sections,
    symbols: readSymbols(sections, layout),
  };
}

function readSections(view: BinaryView, layout: Layout): ElfSection[] {
  const is64 = layout === LAYOUT_64;
  const tableAt = layout.word(view, is64 ? 40 : 32);
  if (tableAt === 0) return [];
  const [entrySize, count, names] = [0, 2, 4].map((at) => view.u16((is64 ? 58 : 46) + at)) as [number, number, number];
  if (entrySize !== layout.sectionSize) throw view.invalid(`section headers of ${entrySize} bytes`);
  // Where there are more than fit into the header, the first section says how many (gABI, "e_shnum").
  const first = view.part(tableAt, entrySize, "first section header");
  const total = count === 0 ? layout.word(first, is64 ? 32 : 20) : count;
  const namesAt = names === ELF.EXTENDED_INDEX ? first.u32(is64 ? 40 : 24) : names;
  const table = view.part(tableAt, total * entrySize, "table of section headers");
  if (total > MAX_SECTIONS) throw view.invalid(`it has ${total} sections, and at most ${MAX_SECTIONS} are read`);
  const sections = Array.from({ length: total }, (_, index) => readSection(view, table, index, layout));
  // The gABI forbids it ("Sections"). If they might, a small file could have any amount of work in it.
  const inFile = sections.reduce((sum, { section }) => sum + section.data.length, 0);
  if (inFile > view.length) throw view.invalid("its sections overlap");
  const strings = sections[namesAt];
  if (!strings) throw view.invalid("the section of the sections' names is not there");
  const texts = new StringTable(strings.section.data);
  return sections.map(({ section, nameAt }) => ({ ...section, name: texts.at(nameAt) }));
}

function readSection(view: BinaryView, table: BinaryView, index: number, layout: Layout) {
  const is64 = layout === LAYOUT_64;
  const at = index * layout.sectionSize;
  const type = table.u32(at + 4);
  const size = layout.word(table, at + (is64 ? 32 : 20));
  const isInFile = type !== ELF.NOBITS && index !== 0;
  const data = isInFile
    ? view.part(layout.word(table, at + (is64 ? 24 : 16)), size, `section ${index}`)
    : view.part(0, 0, `section ${index}`);
  const section = {
    index,
    name: "",
    type,
    flags: layout.word(table, at + 8),
    size,
    link: table.u32(at + (is64 ? 40 : 24)),
    info: table.u32(at + (is64 ? 44 : 28)),
    data,
  };
  return { section, nameAt: table.u32(at) };
}

function readSymbols(sections: readonly ElfSection[], layout: Layout): ElfSymbol[] {
  const table = sections.find(({ type }) => type === ELF.SYMTAB);
  if (!table) return [];
  const strings = sections[table.link];
  if (strings?.type !== ELF.STRTAB) throw table.data.invalid("the symbols' names are not there");
  const names = new StringTable(strings.data);
  const count = Math.floor(table.data.length / layout.symbolSize);
  if (count > MAX_SYMBOLS) throw table.data.invalid(`it has ${count} symbols, and at most ${MAX_SYMBOLS} are read`);
  return Array.from({ length: count }, (_, index) => readSymbol(table.data, index * layout.symbolSize, names, layout));
}

function readSymbol(data: BinaryView, at: number, names: StringTable, layout: Layout): ElfSymbol {
  const is64 = layout === LAYOUT_64;
  const [info, other, section] = is64 ? [4, 5, 6] : [12, 13, 14];
  return {
    name: names.at(data.u32(at)),
    value: layout.word(data, at + (is64 ? 8 : 4)),
    size: layout.word(data, at + (is64 ? 16 : 8)),
    type: data.u8(at + info!) & 0xf,
    binding: data.u8(at + info!) >> 4,
    visibility: data.u8(at + other!) & 3,
    section: data.u16(at + section!),
  };
}

/** The tables of relocations, by the indices of the sections that they are for. */
export function relocationTables({ sections }: ElfFile): Map<number, ElfSection[]> {
  const tables = sections.filter(({ type }) => type === ELF.RELOCATIONS || type === ELF.RELA);
  return Map.groupBy(tables, ({ info }) => info);
}

/** What a table of relocations has, in its order. */
export function readRelocations({ is64Bit }: ElfFile, { type, data }: ElfSection): ElfRelocation[] {
  const word = is64Bit ? 8 : 4;
  const entrySize = word * (type === ELF.RELA ? 3 : 2);
  return Array.from({ length: Math.floor(data.length / entrySize) }, (_, index) => {
    const at = index * entrySize;
    const hasAddend = type === ELF.RELA;
    if (is64Bit) {
      const info = data.u64(at + 8);
      const addend = hasAddend ? data.i64(at + 16) : 0n;
      return { offset: data.offset64(at), type: Number(info & 0xffff_ffffn), symbol: Number(info >> 32n), addend };
    }
    const info = data.u32(at + 4);
    const addend = hasAddend ? BigInt(data.i32(at + 8)) : 0n;
    return { offset: data.u32(at), type: info & 0xff, symbol: info >>> 8, addend };
  });
}
