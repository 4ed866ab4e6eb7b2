import type { BtfType } from "../btf/types.ts";
import { writeBtf } from "../btf/_write_btf.ts";
import { ELF } from "../elf/elf.ts";
import { type NewSymbol, writeElf } from "../elf/_write_elf.ts";
import { type EbpfObject, readEbpfObject } from "./object.ts";

/** A type without its id, which is its place. */
export type NewType = BtfType extends infer T ? T extends BtfType ? Omit<T, "id"> : never : never;

/** Makes an object of types (the first one is 1) and variables that never change, for tests. */
export function objectWith(
  types: readonly NewType[],
  variables: readonly { name: string; bytes: Uint8Array }[] = [],
  { isLittleEndian = true, rodata = ".rodata" } = {},
): EbpfObject {
  const numbered = types.map((type, index) => ({ ...type, id: index + 1 })) as BtfType[];
  const length = variables.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const data = new Uint8Array(length);
  const symbols: NewSymbol[] = [];
  let at = 0;
  for (const { name, bytes } of variables) {
    data.set(bytes, at);
    symbols.push({ name, value: at, size: bytes.length, type: ELF.OBJECT, section: 1 });
    at += bytes.length;
  }
  const sections = [{ name: rodata, flags: ELF.ALLOC, bytes: data }, {
    name: ".BTF",
    bytes: writeBtf(numbered, isLittleEndian),
  }];
  return readEbpfObject(writeElf({ is64Bit: true, isLittleEndian }, sections, symbols), "the object");
}
