import { SatchelError } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/**
 * Reads a number of bytes: `4GB` and `4G` are 4 * 10^9, `4GiB` is 4 * 2^30.
 *
 * @param flag its long name, for the error text
 * @throws {SatchelError} `usage`
 */
export function parseSize(text: string, flag: string): number {
  const [, number, unit] = /^(\d{1,12}(?:\.\d{1,6})?) ?([kmgt]?i?b?)$/i.exec(text) ?? [];
  const factor = unit === undefined ? undefined : UNITS[unit.toLowerCase().replace(/b$/, "")];
  const size = factor === undefined ? NaN : Math.floor(Number(number) * factor);
  if (Number.isSafeInteger(size)) return size;
  throw new SatchelError("usage", `invalid argument ${printable(JSON.stringify(text), 100)} for "--${flag}" flag`, {
    hint: "A size is written like 4GB (4 * 10^9 bytes) or 4GiB (4 * 2^30).",
  });
}
