import { BtfBuilder, writeBtf } from "../btf/_write_btf.ts";
import { ELF } from "../elf/elf.ts";
import { type NewSection, type NewSymbol, writeElf } from "../elf/_write_elf.ts";
import { type EbpfObject, readEbpfObject } from "./object.ts";

/** The instruction `exit`. */
export const EXIT = Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0);

/** Makes an object of types, and of programs in sections of their own that do nothing, for tests. */
export function objectWithPrograms(
  build: (types: BtfBuilder) => void,
  programs: Readonly<Record<string, string>> = {},
): EbpfObject {
  const types = new BtfBuilder();
  build(types);
  const sections: NewSection[] = Object.values(programs).map((name) => ({
    name,
    flags: ELF.ALLOC | ELF.EXECUTE,
    bytes: EXIT,
  }));
  const symbols: NewSymbol[] = Object.keys(programs).map((name, index) => ({
    name,
    size: EXIT.length,
    type: ELF.FUNCTION,
    section: index + 1,
  }));
  sections.push({ name: ".BTF", bytes: writeBtf(types.types, true) });
  return readEbpfObject(writeElf({ is64Bit: true, isLittleEndian: true }, sections, symbols), "x.o");
}
