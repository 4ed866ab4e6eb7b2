import type { CoreRelocation, LineInfo } from "../btf/btf_ext.ts";
import {
  ELF,
  type ElfRelocation,
  type ElfSection,
  type ElfSymbol,
  readRelocations,
  relocationTables,
} from "../elf/elf.ts";
import { type Instruction, INSTRUCTION_SIZE, instructionsOf, OPCODE, PSEUDO } from "./instructions.ts";
import { DATA_SECTION, type EbpfFunction, type EbpfObject } from "./object.ts";

/** What an instruction refers to. */
export type Reference =
  | { kind: "map"; name: string }
  /** The place in a section of variables, in bytes. */
  | { kind: "data"; name: string; offset: number }
  | { kind: "function"; name: string; target: EbpfFunction }
  /** A function of the kernel (`__ksym`). */
  | { kind: "kernel function"; name: string }
  /** A value of the kernel's configuration (`__kconfig`). */
  | { kind: "kernel configuration"; name: string }
  /** What the object does not have: of the kernel, or to be linked. */
  | { kind: "outside"; name: string };

/**
 * How much is linked for all programs of an object that are asked for, each with what it calls: instructions, and some more for
 * each function. The largest of today have some hundred thousand.
 */
const MAX_LINKED = 8_000_000;
const FUNCTION_COST = 8;

/** Bytes: of `Elf64_Rela`. */
const LARGEST_RELOCATION = 24;

/** What is known of a section of instructions, by where they are in it. */
interface SectionIndex {
  relocations: ReadonlyMap<number, ElfRelocation>;
  lines: ReadonlyMap<number, LineInfo>;
  coreRelocations: ReadonlyMap<number, CoreRelocation>;
}

/** Finds what an object says of its instructions. */
export class CodeIndex {
  readonly #object: EbpfObject;
  readonly #tables: ReadonlyMap<number, ElfSection[]>;
  readonly #sections = new Map<ElfSection, SectionIndex>();
  #linked = 0;
  readonly #callees = new Map<EbpfFunction, EbpfFunction[]>();
  /** By their sections' indices and places. */
  readonly #functions: ReadonlyMap<string, EbpfFunction>;
  readonly #kernelFunctions: ReadonlySet<string>;
  readonly #kernelConfiguration: ReadonlySet<string>;

  constructor(object: EbpfObject) {
    this.#object = object;
    this.#tables = relocationTables(object.elf);
    // Of several at one place it is the first.
    this.#functions = new Map(
      object.functions.toReversed().map((each) => [key(each.section.index, each.offset), each]),
    );
    this.#kernelFunctions = namesIn(object, ".ksyms");
    this.#kernelConfiguration = namesIn(object, ".kconfig");
  }

  /** The line that an instruction is the first one of, or the first one of a part of. */
  lineAt({ section, offset }: EbpfFunction, { slot }: Instruction): LineInfo | undefined {
    return this.#section(section).lines.get(offset + slot * INSTRUCTION_SIZE);
  }

  coreRelocationAt({ section, offset }: EbpfFunction, { slot }: Instruction): CoreRelocation | undefined {
    return this.#section(section).coreRelocations.get(offset + slot * INSTRUCTION_SIZE);
  }

  /** What an instruction refers to, by its relocation, or by itself if it is a call within its section. */
  referenceOf(fn: EbpfFunction, instruction: Instruction): Reference | undefined {
    const at = fn.offset + instruction.slot * INSTRUCTION_SIZE;
    const relocation = this.#section(fn.section).relocations.get(at);
    if (!relocation) {
      return isFunctionReference(instruction)
        ? this.#function(fn.section.index, callTarget(at, instruction))
        : undefined;
    }
    const symbol = this.#object.elf.symbols[relocation.symbol];
    return symbol && this.#relocated(symbol, instruction);
  }

  /**
   * A program and all that it needs, each function once: first it itself, then what it calls, then what those call.
   *
   * @throws {SatchelError} `invalid` if the programs that were asked for have some million instructions by now
   */
  withCallees(program: EbpfFunction): EbpfFunction[] {
    const functions = new Set([program]);
    // A set is walked with what is added meanwhile.
    for (const fn of functions) {
      this.#linked += FUNCTION_COST + fn.code.length / INSTRUCTION_SIZE;
      if (this.#linked > MAX_LINKED) throw program.code.invalid("the object's programs have too much in common");
      for (const callee of this.#calleesOf(fn)) functions.add(callee);
    }
    return [...functions];
  }

  /** The functions that a function calls or takes the address of, each once, by their names. */
  #calleesOf(fn: EbpfFunction): EbpfFunction[] {
    const known = this.#callees.get(fn);
    if (known) return known;
    const targets = new Set<EbpfFunction>();
    for (const instruction of instructionsOf(fn)) {
      const reference = this.referenceOf(fn, instruction);
      if (reference?.kind === "function") targets.add(reference.target);
    }
    const callees = [...targets].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
    this.#callees.set(fn, callees);
    return callees;
  }

  #section(section: ElfSection): SectionIndex {
    const known = this.#sections.get(section);
    if (known) return known;
    const info = this.#object.sectionInfo.get(section.name);
    const tables = this.#tables.get(section.index) ?? [];
    const length = tables.reduce((sum, { data }) => sum + data.length, 0);
    if (length > LARGEST_RELOCATION * section.size / INSTRUCTION_SIZE) {
      throw section.data.invalid("it has more relocations than instructions");
    }
    const index = {
      relocations: byOffset(tables.flatMap((table) => readRelocations(this.#object.elf, table))),
      lines: byOffset(info?.lines ?? []),
      coreRelocations: byOffset(info?.coreRelocations ?? []),
    };
    this.#sections.set(section, index);
    return index;
  }

  #relocated(symbol: ElfSymbol, instruction: Instruction): Reference | undefined {
    const section = this.#object.elf.sections[symbol.section];
    if (symbol.section === ELF.UNDEFINED) return this.#outside(symbol.name);
    if (!section) return undefined;
    if (section.name === ".maps" || section.name === "maps") return { kind: "map", name: symbol.name || section.name };
    if (DATA_SECTION.test(section.name)) {
      // What is static has no symbol; its place stands in the instruction.
      return { kind: "data", name: section.name, offset: (symbol.value + instruction.immediate) >>> 0 };
    }
    const isCall = instruction.opcode === OPCODE.CALL;
    const within = isCall ? (instruction.immediate + 1) * INSTRUCTION_SIZE : instruction.immediate;
    return this.#function(symbol.section, symbol.value + within);
  }

  #outside(name: string): Reference {
    if (this.#kernelFunctions.has(name)) return { kind: "kernel function", name };
    return { kind: this.#kernelConfiguration.has(name) ? "kernel configuration" : "outside", name };
  }

  #function(section: number, offset: number): Reference | undefined {
    const target = this.#functions.get(key(section, offset));
    return target && { kind: "function", name: target.name, target };
  }
}

function key(section: number, offset: number): string {
  return `${section}:${offset}`;
}

/** Of several for one place it is the first. */
function byOffset<T extends { offset: number }>(records: readonly T[]): Map<number, T> {
  return new Map(records.toReversed().map((record) => [record.offset, record]));
}

function namesIn({ btf }: EbpfObject, section: string): Set<string> {
  const variables = btf?.find("datasec", section)?.variables ?? [];
  return new Set(variables.map(({ typeId }) => btf!.type(typeId).name));
}

/** Whether an instruction calls a function of the program or takes its address; -1 is yet to be filled in. */
function isFunctionReference({ opcode, source, immediate }: Instruction): boolean {
  if (immediate === -1) return false;
  return (opcode === OPCODE.CALL && source === PSEUDO.CALL) ||
    (opcode === OPCODE.LOAD_64 && source === PSEUDO.FUNCTION);
}

/** Both count in instructions from the next one. */
function callTarget(at: number, { immediate }: Instruction): number {
  return at + (immediate + 1) * INSTRUCTION_SIZE;
}
