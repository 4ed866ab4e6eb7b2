import { SatchelError } from "../../lib/error.ts";
import type { FlagSpec } from "./spec.ts";

/** What the command line says of each flag that it has, by long name. */
export type FlagValues = ReadonlyMap<string, boolean | string | readonly string[]>;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The most transfers that may run at the same time: more opens files and connections, and is not faster. */
const MAX_CONCURRENCY = 256;

const TRUE = ["true", "1", "t", "T", "TRUE", "True"];
const FALSE = ["false", "0", "f", "F", "FALSE", "False"];

/** Whether a flag without a value of its own is set. */
export function isSet(flags: FlagValues, name: string, otherwise = false): boolean {
  const value = flags.get(name);
  return typeof value === "boolean" ? value : otherwise;
}

/** The value of a flag that takes one; `undefined` if it was not given. */
export function textOf(flags: FlagValues, name: string): string | undefined {
  const value = flags.get(name);
  return typeof value === "string" ? value : undefined;
}

/**
 * The value of a flag that takes a path; `undefined` if it was not given.
 *
 * @throws {SatchelError} `usage` if it is empty
 */
export function pathOf(flags: FlagValues, name: string): string | undefined {
  const path = textOf(flags, name);
  if (path === "") throw new SatchelError("usage", `--${name} needs a path`);
  return path;
}

/** The entries of a list flag. */
export function listOf(flags: FlagValues, name: string): readonly string[] {
  const value = flags.get(name);
  return Array.isArray(value) ? value : [];
}

/** A duration flag, in milliseconds; `undefined` if it was not given. */
export function durationOf(flags: FlagValues, name: string): number | undefined {
  const text = textOf(flags, name);
  return text === undefined ? undefined : parseDuration(text);
}

/** How many things may be done at the same time, by a flag; `undefined` if it was not given. */
export function concurrencyOf(flags: FlagValues, name: string): number | undefined {
  const text = textOf(flags, name);
  return text === undefined ? undefined : parseConcurrency(text);
}

/**
 * Reads a duration: `300ms`, `10s`, `1h30m`, `7d`, `0`.
 *
 * @returns milliseconds, or `undefined` if it is none
 */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g);
  return Math.round([...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit], 0));
}

/** What {@link parseConcurrency} takes, for those who wrote something else. */
export const CONCURRENCY_RULE = `it must be a whole number from 1 to ${MAX_CONCURRENCY}`;

/**
 * Reads how many things may be done at the same time.
 *
 * @returns the number, or `undefined` if it is none, or none that makes sense
 */
export function parseConcurrency(text: string): number | undefined {
  const number = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= MAX_CONCURRENCY ? number : undefined;
}

/** The entries of a comma-separated list, blanks around them cut off, empty ones left out. */
export function splitList(text: string): string[] {
  return text.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
}

/**
 * Reads what stands behind a flag of the command line.
 *
 * @param value `undefined` if nothing stands there
 * @param shown the flag as it was typed: `-o`, `--output`
 * @throws {SatchelError} `usage`
 */
export function readFlag(spec: FlagSpec, value: string | undefined, shown: string): boolean | string | string[] {
  if (spec.type === "bool") return value === undefined ? true : readBoolean(spec, value);
  if (value === undefined) {
    const letter = shown.startsWith("--") ? undefined : spec.short;
    throw new SatchelError("usage", `flag needs an argument: ${letter ? `'${letter}' in -${letter}` : shown}`);
  }
  if (spec.type === "strings") return splitList(value);
  if (spec.type === "stringArray") return [value];
  if (spec.type === "duration" && parseDuration(value) === undefined) {
    throw invalidValue(spec, value, "a duration is written like 30s, 5m or 1h30m");
  }
  if (spec.type === "int" && parseConcurrency(value) === undefined) throw invalidValue(spec, value, CONCURRENCY_RULE);
  if (Array.isArray(spec.values) && !spec.values.includes(value)) {
    // As `ig` says it.
    const what = /(^|-)(output|format|pull)$/.test(spec.name) ? `${spec.name} mode` : spec.name;
    throw new SatchelError(
      "usage",
      `invalid ${what} ${JSON.stringify(value)}, valid values are: ${spec.values.join(", ")}`,
    );
  }
  return value;
}

function readBoolean(spec: FlagSpec, value: string): boolean {
  if (TRUE.includes(value)) return true;
  if (FALSE.includes(value)) return false;
  throw invalidValue(spec, value, "it takes true or false");
}

function invalidValue(spec: FlagSpec, value: string, why: string): SatchelError {
  const name = spec.short ? `-${spec.short}, --${spec.name}` : `--${spec.name}`;
  return new SatchelError("usage", `invalid argument ${JSON.stringify(value)} for "${name}" flag: ${why}`);
}
