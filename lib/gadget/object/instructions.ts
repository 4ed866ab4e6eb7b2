import type { BinaryView } from "../binary_view.ts";
import type { EbpfFunction } from "./object.ts";

/** An instruction as it is encoded. */
export interface Instruction {
  /** Which one it is, in 8 bytes, from the beginning of its function; a load of 64 bits takes two. */
  slot: number;
  opcode: number;
  destination: number;
  source: number;
  offset: number;
  /** Signed; of a load of 64 bits the lower half. */
  immediate: number;
  /** The upper half of a load of 64 bits, signed; else 0. */
  upper: number;
}

export const INSTRUCTION_SIZE = 8;

/** Parts of an opcode, and some whole ones (RFC 9669, section 3). */
export const OPCODE = {
  CLASS: 0x07,
  LOAD: 0,
  LOAD_MEMORY: 1,
  STORE: 2,
  STORE_REGISTER: 3,
  ALU: 4,
  JUMP: 5,
  JUMP_32: 6,
  ALU_64: 7,
  /** A load of 64 bits that stand in the code. */
  LOAD_64: 0x18,
  CALL: 0x85,
  MOVE_REGISTER: 0xbf,
} as const;

/** What the source register of a load of 64 bits or a call says instead of a register (RFC 9669, sections 4.3.2 and 5.4). */
export const PSEUDO = { MAP: 1, MAP_VALUE: 2, FUNCTION: 4, CALL: 1, KERNEL_FUNCTION: 2 } as const;

/**
 * The instructions of a function, in its order.
 *
 * @throws {SatchelError} `invalid` if it ends within a load of 64 bits
 * @see https://www.rfc-editor.org/rfc/rfc9669
 */
export function* instructionsOf({ code }: Pick<EbpfFunction, "code">): Generator<Instruction> {
  for (let at = 0; at < code.length; at += INSTRUCTION_SIZE) {
    const instruction = decode(code, at);
    if (instruction.opcode === OPCODE.LOAD_64) {
      at += INSTRUCTION_SIZE;
      if (at >= code.length) throw code.invalid("it ends within an instruction of 16 bytes");
      instruction.upper = code.i32(at + 4);
    }
    yield instruction;
  }
}

function decode(code: BinaryView, at: number): Instruction {
  const registers = code.u8(at + 1);
  const [low, high] = [registers & 0xf, registers >> 4];
  return {
    slot: at / INSTRUCTION_SIZE,
    opcode: code.u8(at),
    destination: code.isLittleEndian ? low : high,
    source: code.isLittleEndian ? high : low,
    offset: code.u16(at + 2) << 16 >> 16,
    immediate: code.i32(at + 4),
    upper: 0,
  };
}
