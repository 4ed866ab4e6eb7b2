import { isIP } from "node:net";
import { isDuration } from "./annotations.ts";

/** What a value of a type has to be. */
type Fits = (value: string) => boolean;

const SIZES = [8, 16, 32, 64] as const;

/** The types that a parameter may say it has, and how their values are written. */
const TYPES: ReadonlyMap<string, Fits> = new Map<string, Fits>([
  ["bool", (value) => /^(true|false)$/i.test(value)],
  ["string", () => true],
  ["bytes", () => true],
  ["ip", (value) => isIP(value) !== 0],
  ["duration", isDuration],
  ["float32", isFloat],
  ["float64", isFloat],
  ["int", (value) => isInteger(value, 64, true)],
  ["uint", (value) => isInteger(value, 64, false)],
  ...SIZES.flatMap((bits): [string, Fits][] => [
    [`int${bits}`, (value) => isInteger(value, bits, true)],
    [`uint${bits}`, (value) => isInteger(value, bits, false)],
  ]),
]);

/** The types that a parameter may say it has. */
export const PARAM_TYPES: readonly string[] = [...TYPES.keys()];

/** Whether a value is one of a type; of a type that nobody knows any value is one. */
export function fitsType(value: string, type: string): boolean {
  return TYPES.get(type)?.(value) ?? true;
}

/** Whether what a parameter says of its type holds for a variable: `int` and `uint` are of any size. */
export function isSameType(said: string, variable: string): boolean {
  return said === variable || (/^u?int$/.test(said) && variable.replace(/\d+$/, "") === said);
}

/** As many digits as no number of 64 bits has. */
const MAX_DIGITS = 40;

function isInteger(value: string, bits: number, isSigned: boolean): boolean {
  if (value.length > MAX_DIGITS || !(isSigned ? /^[+-]?\d+$/ : /^\d+$/).test(value)) return false;
  const number = BigInt(value.replace(/^\+/, ""));
  return number === (isSigned ? BigInt.asIntN(bits, number) : BigInt.asUintN(bits, number));
}

function isFloat(value: string): boolean {
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,4})?$/i.test(value) || /^[+-]?(inf|infinity|nan)$/i.test(value);
}
