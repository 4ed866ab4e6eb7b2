import { CodeIndex } from "./code_index.ts";
import { type Instruction, instructionsOf, OPCODE } from "./instructions.ts";
import type { EbpfFunction, EbpfObject } from "./object.ts";

/** What a program does with a map. */
export type MapOperation = "Lookup" | "LookupPercpu" | "Update" | "Delete" | "Push" | "Pop" | "Peek" | "EventOutput";

/** A use of a map by a program. */
export interface MapUse {
  /** The name of the map. */
  map: string;
  operation: MapOperation;
}

/**
 * What the functions of the kernel by these numbers do with a map, and the register that it is passed in. Ring buffers are
 * not here: `ig` does not draw them.
 */
const OPERATIONS: Readonly<Record<number, { operation: MapOperation; register: number }>> = {
  1: { operation: "Lookup", register: 1 },
  2: { operation: "Update", register: 1 },
  3: { operation: "Delete", register: 1 },
  25: { operation: "EventOutput", register: 2 },
  87: { operation: "Push", register: 1 },
  88: { operation: "Pop", register: 1 },
  89: { operation: "Peek", register: 1 },
  195: { operation: "LookupPercpu", register: 1 },
};

/** How many registers there are. */
const REGISTERS = 11;

/** Those that a call does not keep. */
const CALLER_SAVED = [0, 1, 2, 3, 4, 5];

/**
 * The uses of maps by a program and by what it calls, each once, in the order of the instructions. It is read off the
 * code and does not follow jumps: what is in a register is what was put there last before, wherever control came from.
 *
 * @param index of the object; who asks for many programs makes it once
 * @param limit how many there may be
 * @throws {SatchelError} `invalid` if the code ends within an instruction, or there are more
 */
export function mapUses(
  object: EbpfObject,
  program: EbpfFunction,
  index = new CodeIndex(object),
  limit = Infinity,
): MapUse[] {
  const uses = new Map<string, MapUse>();
  for (const fn of index.withCallees(program)) {
    for (const use of usesOf(index, fn)) {
      const key = `${use.operation} ${use.map}`;
      if (uses.has(key)) continue;
      if (uses.size >= limit) throw program.code.invalid("the object's programs use maps in too many ways");
      uses.set(key, use);
    }
  }
  return [...uses.values()];
}

function* usesOf(index: CodeIndex, fn: EbpfFunction): Generator<MapUse> {
  /** The maps that are in the registers. */
  const maps: (string | undefined)[] = new Array(REGISTERS).fill(undefined);
  for (const instruction of instructionsOf(fn)) {
    if (instruction.opcode === OPCODE.CALL) {
      const known = instruction.source === 0 ? OPERATIONS[instruction.immediate] : undefined;
      const map = known && maps[known.register];
      if (map !== undefined) yield { map, operation: known!.operation };
      for (const register of CALLER_SAVED) maps[register] = undefined;
    } else if (writesRegister(instruction)) {
      maps[instruction.destination] = mapAfter(index, fn, instruction, maps);
    }
  }
}

/** The map that an instruction puts into its register. */
function mapAfter(
  index: CodeIndex,
  fn: EbpfFunction,
  instruction: Instruction,
  maps: readonly (string | undefined)[],
): string | undefined {
  if (instruction.opcode === OPCODE.MOVE_REGISTER) return maps[instruction.source];
  if (instruction.opcode !== OPCODE.LOAD_64) return undefined;
  const reference = index.referenceOf(fn, instruction);
  return reference?.kind === "map" ? reference.name : undefined;
}

function writesRegister({ opcode }: Instruction): boolean {
  const kind = opcode & OPCODE.CLASS;
  return kind === OPCODE.LOAD || kind === OPCODE.LOAD_MEMORY || kind === OPCODE.ALU || kind === OPCODE.ALU_64;
}
