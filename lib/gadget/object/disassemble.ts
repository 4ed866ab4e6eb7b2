import type { CoreRelocation } from "../btf/btf_ext.ts";
import type { BtfType } from "../btf/types.ts";
import { CodeIndex } from "./code_index.ts";
import { instructionText } from "./instruction_text.ts";
import { type Instruction, instructionsOf } from "./instructions.ts";
import type { EbpfFunction, EbpfObject } from "./object.ts";

/** The code of a program as text, in the two forms of `ig image inspect`. */
export interface Disassembly {
  /** Each function under its name, with the lines of the source, indented; before each instruction stands its place. */
  source: string;
  /** The same without names and places, with the relocations that depend on the kernel. */
  sourceWithRelocation: string;
}

/** How many instructions the kernel takes for a program. */
const MAX_INSTRUCTIONS = 1_000_000;

/**
 * How much text is written for an object, in UTF-16 units: programs may have large functions in common. Those of official
 * gadgets have up to some hundred thousand.
 */
const MAX_TEXT = 16 * 1024 * 1024;

/** The names of CO-RE relocations, by their numbers (`enum bpf_core_relo_kind`), as libbpf and cilium/ebpf print them. */
const CORE_RELOCATIONS = [
  "byte_off",
  "byte_sz",
  "field_exists",
  "signed",
  "lshift_u64",
  "rshift_u64",
  "local_type_id",
  "target_type_id",
  "type_exists",
  "type_size",
  "enumval_exists",
  "enumval_value",
  "type_matches",
];

/** How cilium/ebpf calls kinds of types. */
const KIND_NAMES: Readonly<Record<BtfType["kind"], string>> = {
  void: "Void",
  int: "Int",
  ptr: "Pointer",
  array: "Array",
  struct: "Struct",
  union: "Union",
  enum: "Enum",
  enum64: "Enum",
  fwd: "Fwd",
  typedef: "Typedef",
  volatile: "Volatile",
  const: "Const",
  restrict: "Restrict",
  func: "Func",
  func_proto: "FuncProto",
  var: "Var",
  datasec: "Datasec",
  float: "Float",
  decl_tag: "declTag",
  type_tag: "TypeTag",
};

/**
 * Writes the code of a program as text, in the notation of cilium/ebpf. Functions that it calls follow it, each once.
 *
 * @throws {SatchelError} `invalid` if the code ends within an instruction, or has more than a million
 */
export function disassemble(object: EbpfObject, program: EbpfFunction): Disassembly {
  return new Disassembler(object).write(program);
}

/**
 * Writes the code of all programs of an object, in its order, each when it is asked for.
 *
 * @throws {SatchelError} `invalid` as {@link disassemble}, or if the text would have more than 16 Mi characters
 */
export function* disassemblePrograms(object: EbpfObject): Generator<Disassembly & { program: EbpfFunction }> {
  const disassembler = new Disassembler(object);
  for (const program of programsOf(object)) yield { program, ...disassembler.write(program) };
}

/** The functions of an object that are programs: those of `.text` are only called. */
export function programsOf({ functions }: EbpfObject): EbpfFunction[] {
  return functions.filter(({ section }) => section.name !== ".text");
}

class Disassembler {
  readonly #object: EbpfObject;
  readonly #index: CodeIndex;
  #left = MAX_TEXT;

  constructor(object: EbpfObject) {
    this.#object = object;
    this.#index = new CodeIndex(object);
  }

  write(program: EbpfFunction): Disassembly {
    const functions = this.#index.withCallees(program);
    const counts = functions.map(countOf);
    const count = counts.reduce((sum, each) => sum + each, 0);
    if (count > MAX_INSTRUCTIONS) throw tooLong(program, `more than ${MAX_INSTRUCTIONS} instructions`);
    // As wide as places would be if all instructions took two.
    const width = Math.max(1, String(count * 2 - 1).length);
    const [source, sourceWithRelocation]: [string[], string[]] = [[], []];
    let firstSlot = 0;
    for (const fn of functions) {
      source.push(`${fn.name}:\n`);
      for (const instruction of instructionsOf(fn)) {
        const { line, relocation, text } = this.#describe(fn, instruction);
        if (line?.trim()) source.push(`\t${" ".repeat(width)}; ${line.trim()}\n`);
        source.push(`\t${String(firstSlot + instruction.slot).padStart(width)}: ${text}\n`);
        if (line !== undefined) sourceWithRelocation.push(`; ${line}\n`);
        if (relocation !== undefined) sourceWithRelocation.push(`; ${relocation}\n`);
        sourceWithRelocation.push(`${text}\n`);
        // Names of functions are in the texts of what calls them.
        this.#left -= 2 * (text.length + (line?.length ?? 0)) + (relocation?.length ?? 0);
        if (this.#left < 0) throw tooLong(program, `more text than ${MAX_TEXT} characters`);
      }
      firstSlot += fn.code.length / 8;
    }
    return { source: source.join(""), sourceWithRelocation: sourceWithRelocation.join("") };
  }

  #describe(fn: EbpfFunction, instruction: Instruction) {
    const relocation = this.#index.coreRelocationAt(fn, instruction);
    return {
      line: this.#index.lineAt(fn, instruction)?.text,
      relocation: relocation && this.#relocationText(relocation),
      text: instructionText(instruction, this.#index.referenceOf(fn, instruction)),
    };
  }

  #relocationText({ kind, typeId, access }: CoreRelocation): string {
    const { kind: typeKind, name } = this.#object.btf!.type(typeId);
    const type = KIND_NAMES[typeKind] + (name === "" ? "" : `:${JSON.stringify(name)}`);
    return `CORERelocation(${CORE_RELOCATIONS[kind] ?? `unknown (${kind})`}, ${type}[${access}], local_id=${typeId})`;
  }
}

function countOf(fn: EbpfFunction): number {
  let count = 0;
  for (const _ of instructionsOf(fn)) count++;
  return count;
}

function tooLong({ code }: EbpfFunction, what: string): Error {
  return code.invalid(`it has ${what}`);
}
