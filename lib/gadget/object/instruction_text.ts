import type { Reference } from "./code_index.ts";
import { helperName } from "./helpers.ts";
import { type Instruction, OPCODE, PSEUDO } from "./instructions.ts";

/** The names of classes of opcodes, by their numbers; those of arithmetic and jumps do not appear. */
const CLASSES = ["Ld", "LdX", "St", "StX"];
/** Bits 0x18 of loads and stores. */
const SIZES = ["W", "H", "B", "DW"];
/** Bits 0xe0 of loads and stores. */
const MODES = ["Imm", "Abs", "Ind", "Mem", "MemSX", undefined, "Atomic", undefined];
/** Bits 0xf0 of arithmetic, and of jumps. */
const ARITHMETIC = ["Add", "Sub", "Mul", "Div", "Or", "And", "LSh", "RSh", "Neg", "Mod", "Xor", "Mov", "ArSh", "Swap"];
const JUMPS = ["Ja", "JEq", "JGT", "JGE", "JSet", "JNE", "JSGT", "JSGE", "Call", "Exit", "JLT", "JLE", "JSLT", "JSLE"];

/** What an atomic store does, by its immediate value (RFC 9669, section 5.3, and the kernel's later ones). */
const ATOMIC: Readonly<Record<number, string>> = {
  0x00: "Add",
  0x01: "FetchAdd",
  0x40: "Or",
  0x41: "FetchOr",
  0x50: "And",
  0x51: "FetchAnd",
  0xa0: "Xor",
  0xa1: "FetchXor",
  0xe1: "Xchg",
  0xf1: "CmpXchg",
  0x100: "LdAcq",
  0x110: "StRel",
};

/** The bits of an atomic store's immediate value that say what it does. */
const ATOMIC_MASK = 0x1ff;

/** Arithmetic that its offset makes another one: signed division, moves that extend the sign. */
const VARIANTS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  Div: { 1: "SDiv" },
  Mod: { 1: "SMod" },
  Mov: { 8: "MovSX8", 16: "MovSX16", 32: "MovSX32" },
};

const NUMBER_OF_REGISTERS_NAMED = 10;

/**
 * An instruction as text, as cilium/ebpf's `asm.Instruction` writes itself: its name, what it works on, and in angle brackets
 * what it refers to.
 *
 * @example
 * ```ts
 * import { instructionText } from "./instruction_text.ts";
 * const exit = { slot: 0, opcode: 0x95, destination: 0, source: 0, offset: 0, immediate: 0, upper: 0 };
 * instructionText(exit, undefined); // "Exit"
 * ```
 */
export function instructionText(instruction: Instruction, reference: Reference | undefined): string {
  const text = textWithout(relocated(instruction, reference));
  const isNamed = reference !== undefined && reference.kind !== "kernel configuration";
  return isNamed && text !== "Exit" ? `${text} <${reference.name}>` : text;
}

/** An instruction with what its relocation puts into it. What is not known before it is loaded is -1. */
function relocated(instruction: Instruction, reference: Reference | undefined): Instruction {
  switch (reference?.kind) {
    case "map":
      return { ...instruction, source: PSEUDO.MAP };
    case "data":
      return { ...instruction, source: PSEUDO.MAP_VALUE, immediate: 0, upper: reference.offset };
    case "kernel configuration":
      return { ...instruction, source: PSEUDO.MAP_VALUE };
    case "function": {
      const isCall = instruction.opcode === OPCODE.CALL;
      return { ...instruction, source: isCall ? PSEUDO.CALL : PSEUDO.FUNCTION, immediate: -1, upper: -1 };
    }
    case "kernel function":
      return instruction.opcode === OPCODE.CALL
        ? { ...instruction, source: PSEUDO.KERNEL_FUNCTION, immediate: -1 }
        : { ...instruction, immediate: 0, upper: 0 };
    default:
      return instruction;
  }
}

function textWithout(instruction: Instruction): string {
  switch (instruction.opcode & OPCODE.CLASS) {
    case OPCODE.ALU:
    case OPCODE.ALU_64:
      return arithmeticText(instruction);
    case OPCODE.JUMP:
    case OPCODE.JUMP_32:
      return jumpText(instruction);
    default:
      return memoryText(instruction);
  }
}

function memoryText(instruction: Instruction): string {
  const { opcode, destination, source, offset, immediate, upper } = instruction;
  const [dst, src] = [`dst: ${register(destination)}`, `src: ${register(source)}`];
  if (opcode === OPCODE.LOAD_64 && source === PSEUDO.MAP) return `LoadMapPtr ${dst} fd: ${immediate}`;
  if (opcode === OPCODE.LOAD_64 && source === PSEUDO.MAP_VALUE) {
    return `LoadMapValue ${dst}, fd: ${immediate} off: ${upper >>> 0}`;
  }
  const mode = MODES[opcode >> 5];
  const kind = opcode & OPCODE.CLASS;
  const atomic = mode === "Atomic" && kind === OPCODE.STORE_REGISTER ? atomicName(immediate) : "";
  const name = `${CLASSES[kind]}${mode ?? `Mode(${opcode & 0xe0})`}${atomic}${SIZES[opcode >> 3 & 3]}`;
  switch (mode) {
    case "Imm":
      return `${name} ${dst} imm: ${opcode === OPCODE.LOAD_64 ? wide(immediate, upper) : immediate}`;
    case "Abs":
      return `${name} imm: ${immediate}`;
    case "Ind":
      return `${name} ${dst} ${src} imm: ${immediate}`;
    case "Mem":
    case "MemSX":
      return `${name} ${dst} ${src} off: ${offset} imm: ${immediate}`;
    case "Atomic":
      return `${name} ${dst} ${src} off: ${offset}`;
    default:
      return `${name} `;
  }
}

function atomicName(immediate: number): string {
  const operation = immediate & ATOMIC_MASK;
  return ATOMIC[operation] ?? `AtomicOp(0x${(operation << 8).toString(16)})`;
}

function arithmeticText({ opcode, destination, source, offset, immediate }: Instruction): string {
  const is32 = (opcode & OPCODE.CLASS) === OPCODE.ALU;
  const isRegister = (opcode & 8) !== 0;
  const name = ARITHMETIC[opcode >> 4] ?? `ALUOp(${opcode & 0xf0})`;
  const dst = `dst: ${register(destination)}`;
  if (name === "Swap") {
    // To one byte order, or (the 64-bit one) from each to the other. The former does not say how many bits: nor does cilium/ebpf.
    if (is32) return `Swap${isRegister ? "BE" : "LE"} ${dst} `;
    return `BSwap${isRegister ? "" : immediate} ${dst} `;
  }
  const operand = isRegister ? `src: ${register(source)}` : `imm: ${immediate}`;
  return `${VARIANTS[name]?.[offset] ?? name}${isRegister ? "Reg" : "Imm"}${is32 ? "32" : ""} ${dst} ${operand}`;
}

function jumpText({ opcode, destination, source, offset, immediate }: Instruction): string {
  const is32 = (opcode & OPCODE.CLASS) === OPCODE.JUMP_32;
  const isRegister = (opcode & 8) !== 0;
  const plain = JUMPS[opcode >> 4] ?? `JumpOp(${opcode & 0xf0})`;
  // Calls and exits are not there for 32 bits.
  const name = is32 ? `${plain === "Call" || plain === "Exit" ? "InvalidJumpOp" : plain}32` : plain;
  switch (name) {
    case "Exit":
      return name;
    case "Ja":
      return `Ja off: ${offset}`;
    case "Ja32":
      return `Ja32 imm: ${immediate}`;
    case "Call":
      return `Call ${callee(source, immediate)}`;
  }
  const operand = isRegister ? `src: ${register(source)}` : `imm: ${immediate}`;
  return `${name}${isRegister ? "Reg" : "Imm"} dst: ${register(destination)} off: ${offset} ${operand}`;
}

function callee(source: number, immediate: number): string {
  if (source === PSEUDO.CALL) return `${immediate}`;
  if (source === PSEUDO.KERNEL_FUNCTION) return `Kfunc(${immediate})`;
  return helperName(immediate);
}

function register(number: number): string {
  return number === NUMBER_OF_REGISTERS_NAMED ? "rfp" : `r${number}`;
}

function wide(lower: number, upper: number): bigint {
  return BigInt(upper) << 32n | BigInt(lower >>> 0);
}
