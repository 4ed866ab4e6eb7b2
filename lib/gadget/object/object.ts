import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";
import { BinaryView } from "../binary_view.ts";
import { Btf } from "../btf/btf.ts";
import { parseBtfExt, type SectionInfo } from "../btf/btf_ext.ts";
import { ELF, type ElfFile, type ElfSection, type ElfSymbol, parseElf } from "../elf/elf.ts";
import { type EbpfMap, readMaps } from "./maps.ts";
import { type ProgramType, programTypeOf } from "./section_names.ts";

/** An eBPF object as clang writes it. */
export interface EbpfObject {
  elf: ElfFile;
  /** `undefined` if it was compiled without `-g`: then nothing is known of types and maps. */
  btf: Btf | undefined;
  /** What is known of the instructions of a section, by its name. */
  sectionInfo: ReadonlyMap<string, SectionInfo>;
  /** In the order of the data section `.maps`. */
  maps: EbpfMap[];
  /** Programs and subprograms, by section and then by where they begin. */
  functions: EbpfFunction[];
  /** Those that are loaded by themselves, by their names; of several with one name the first. */
  programs: ReadonlyMap<string, EbpfFunction>;
  /** Global variables of `.data`, `.bss` and `.rodata`, and sections that begin so; by section and place. */
  variables: EbpfVariable[];
}

/** A function of a section of instructions. */
export interface EbpfFunction {
  name: string;
  section: ElfSection;
  /** Bytes from the beginning of the section. */
  offset: number;
  /** Its instructions, 8 bytes each. */
  code: BinaryView;
  /** `UnspecifiedProgram` if it is not loaded by itself: a subprogram. */
  type: ProgramType;
  isStatic: boolean;
}

/** A variable that is not local to a file. */
export interface EbpfVariable {
  name: string;
  section: string;
  /** Bytes from the beginning of the section. */
  offset: number;
  /** Bytes. */
  size: number;
}

/** The largest object that is read, in bytes; those of the official gadgets have up to 1 MB. */
export const MAX_OBJECT_SIZE = 64 * 1024 * 1024;

/** How many functions are read, aliases as well; objects of gadgets have some dozens. */
const MAX_FUNCTIONS = 20_000;

/** How much of a function's name stands in errors about it, in UTF-16 units. */
const SHOWN_NAME = 100;

const INSTRUCTION_SIZE = 8;

/** Which sections have variables. */
export const DATA_SECTION = /^\.(data|bss|rodata)(\.|$)/;

/**
 * Reads an eBPF object: what is in it, not what its instructions do.
 *
 * @param what what the bytes are, for error texts
 * @throws {SatchelError} `invalid` if it is no ELF file, or not of eBPF, or broken
 */
export function readEbpfObject(bytes: Uint8Array, what: string): EbpfObject {
  if (bytes.length > MAX_OBJECT_SIZE) throw new SatchelError("invalid", `${what}: it is larger than 64 MiB`);
  const elf = parseElf(bytes, what);
  const whole = new BinaryView(bytes, elf.isLittleEndian, what);
  // Objects of before 2016, when the machine got its number, have 0.
  if (elf.machine !== ELF.BPF && elf.machine !== 0) throw whole.invalid("it is an ELF file, but not of eBPF");
  const section = (name: string) => elf.sections.find((each) => each.name === name);
  const types = section(".BTF");
  const btf = types && new Btf(types.data.bytes, `${what}: .BTF`);
  const ext = section(".BTF.ext");
  const symbols = Map.groupBy(elf.symbols.toSorted((a, b) => a.value - b.value), (symbol) => symbol.section);
  const symbolsIn = ({ index }: ElfSection) => symbols.get(index) ?? [];
  const starts = elf.sections.filter(isCode).map((each) => ({
    section: each,
    symbols: symbolsIn(each).filter(isFunction),
  }));
  const count = starts.reduce((sum, { symbols }) => sum + symbols.length, 0);
  if (count > MAX_FUNCTIONS) throw whole.invalid(`it has ${count} functions, and at most ${MAX_FUNCTIONS} are read`);
  const functions = starts.flatMap(({ section, symbols }) => functionsOf(section, symbols));
  // Aliases have their code in common; all the same there cannot be more of it than in the largest object.
  const length = functions.reduce((sum, { code }) => sum + code.length, 0);
  if (length > MAX_OBJECT_SIZE) throw whole.invalid("its functions overlap");
  const programs = functions.filter(({ type }) => type !== "UnspecifiedProgram").reverse();
  return {
    elf,
    btf,
    sectionInfo: btf && ext ? parseBtfExt(ext.data.bytes, btf, `${what}: .BTF.ext`) : new Map(),
    maps: btf ? readMaps(btf, whole) : [],
    functions,
    programs: new Map(programs.map((each) => [each.name, each])),
    variables: elf.sections
      .filter(({ name }) => DATA_SECTION.test(name))
      .flatMap((each) => variablesOf(each, symbolsIn(each))),
  };
}

function isCode({ type, flags, size }: ElfSection): boolean {
  return type === ELF.PROGBITS && (flags & ELF.EXECUTE) !== 0 && size > 0;
}

function isFunction({ type, name }: ElfSymbol): boolean {
  return type === ELF.FUNCTION || (type === ELF.NOTYPE && name !== "" && !isLocalLabel(name));
}

/** The functions of a section. Hand-written assembly has symbols without a size: such a function ends where the next one begins. */
function functionsOf(section: ElfSection, starts: readonly ElfSymbol[]): EbpfFunction[] {
  const type = programTypeOf(section.name);
  let [end, next] = [section.size, section.size];
  const functions = starts.toReversed().map(({ name, value, size, binding }) => {
    if (value < next) [end, next] = [next, value];
    const code = section.data.part(value, size || end - value, `function ${printable(name, SHOWN_NAME)}`);
    if (value % INSTRUCTION_SIZE !== 0 || code.length % INSTRUCTION_SIZE !== 0) {
      throw code.invalid("it is not made of instructions of 8 bytes");
    }
    return { name, section, offset: value, code, type, isStatic: binding === ELF.LOCAL };
  });
  return functions.reverse();
}

/** Whether a symbol is where a jump goes to, and no function: `LBB0_2`. */
function isLocalLabel(name: string): boolean {
  return /^\.?L[A-Z]*\d+(_\d+)?$/.test(name);
}

function variablesOf(section: ElfSection, symbols: readonly ElfSymbol[]): EbpfVariable[] {
  return symbols
    .filter(({ type, binding }) => type === ELF.OBJECT && binding !== ELF.LOCAL)
    .map(({ name, value, size }) => {
      if (value + size > section.size) throw section.data.invalid(`the variable ${name} reaches beyond the end`);
      return { name, section: section.name, offset: value, size };
    });
}
