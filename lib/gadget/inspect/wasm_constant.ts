/**
 * What a function without parameters returns, if that stands in its code. Compilers write one that returns a constant in few ways;
 * these are known by their bytes, and whatever else a function does is not found out: that would be to run it.
 *
 * @param index the function's number
 * @param bodyOf the code of a function by its number, from its local variables on; `undefined` if it is imported or not there
 * @returns a number of 64 bits without a sign; `undefined` if it is not known
 */
export function constantOf(index: number, bodyOf: (index: number) => Uint8Array | undefined): bigint | undefined {
  const body = bodyOf(index);
  if (!body) return undefined;
  const constant = CONSTANTS.map((pattern) => match(body, pattern)).find((numbers) => numbers !== undefined);
  if (constant) return signExtended(constant.at(-1)!);
  const called = match(body, GO_EXPORT)?.[2];
  const inner = called && bodyOf(Number(called.bits));
  const stored = inner && match(inner, GO_CONSTANT);
  return stored && signExtended(stored[0]!);
}

/** A byte, or a number in LEB128 with any value. */
type Pattern = readonly (number | typeof ANY)[];
const ANY = "any";

/** What sees to it that the program has begun. */
const CALLS: readonly Pattern[] = [[], [0x10, ANY], [0x10, ANY, 0x10, ANY]];

/**
 * What C, Rust, TinyGo and people write: `i64.const ANY; end`, with or without `return`. Calls before it cannot return anything:
 * only the constant does.
 */
const CONSTANTS: readonly Pattern[] = CALLS.flatMap((calls) => [
  [0x00, ...calls, 0x42, ANY, 0x0b],
  [0x00, ...calls, 0x42, ANY, 0x0f, 0x0b],
]);

/**
 * What Go exports (`go:wasmexport`, seen of Go 1.26): it leaves if the runtime has not begun (the first call), makes room on Go's
 * own stack, calls the function (the third number here is which one), goes on with others if that has to wait, and loads the result.
 */
const GO_EXPORT: Pattern = [
  ...[0x00, 0x23, 0x00, 0x45, 0x04, 0x40, 0x10, ANY, 0x0b] as const,
  ...[0x23, 0x00, 0x41, 0x08, 0x6b, 0x24, 0x00, 0x23, 0x00, 0x41, 0x08, 0x6b, 0x24, 0x00] as const,
  ...[0x23, 0x00, 0x42, ANY, 0x37, 0x03, 0x00, 0x41, 0x00, 0x10, ANY] as const,
  ...[0x04, 0x40, 0x42, ANY, 0x42, 0x10, 0x88, 0xa7, 0x10, ANY, 0x0b] as const,
  ...[0x23, 0x00, 0x29, 0x03, 0x00, 0x23, 0x00, 0x41, 0x08, 0x6a, 0x24, 0x00, 0x0f, 0x00, 0x0b] as const,
];

/** What Go makes of a function that returns a constant: it stores it where its caller looks, and gives its place on the stack back. */
const GO_CONSTANT: Pattern = [
  ...[0x01, 0x01, 0x7f, 0x23, 0x00, 0x21, 0x01] as const,
  ...[0x02, 0x40, 0x02, 0x40, 0x20, 0x00, 0x0e, 0x01, 0x00, 0x01, 0x0b] as const,
  ...[0x20, 0x01, 0xad, 0x42, 0x08, 0x7c, 0xa7, 0x42, ANY, 0x37, 0x03, 0x00] as const,
  ...[0x20, 0x01, 0x41, 0x08, 0x6a, 0x22, 0x01, 0x24, 0x00, 0x41, 0x00, 0x0f, 0x0b, 0x00, 0x0b] as const,
];

/** A number in LEB128: its bits, and how many bytes they took. */
interface Leb128 {
  bits: bigint;
  length: number;
}

/** Compares some code to a pattern; returns the numbers that stand for `ANY`. */
function match(code: Uint8Array, pattern: Pattern): Leb128[] | undefined {
  const numbers: Leb128[] = [];
  let at = 0;
  for (const expected of pattern) {
    if (expected === ANY) {
      const number = numberAt(code, at);
      if (!number) return undefined;
      numbers.push(number);
      at += number.length;
    } else if (code[at++] !== expected) return undefined;
  }
  return at === code.length ? numbers : undefined;
}

/** The longest number of 64 bits in LEB128, in bytes. */
const MAX_LENGTH = 10;

function numberAt(code: Uint8Array, at: number): Leb128 | undefined {
  let bits = 0n;
  for (let length = 1; length <= MAX_LENGTH; length++) {
    const byte = code[at + length - 1];
    if (byte === undefined) return undefined;
    bits |= BigInt(byte & 0x7f) << BigInt(7 * (length - 1));
    if ((byte & 0x80) === 0) return { bits, length };
  }
  return undefined;
}

/** The 64 bits of a constant: in LEB128 they have a sign, which here is none. */
function signExtended({ bits, length }: Leb128): bigint {
  return BigInt.asUintN(64, BigInt.asIntN(7 * length, bits));
}
