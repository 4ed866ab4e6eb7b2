import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import type { Json } from "./contract.ts";

/**
 * Turns a parsed JSON value into a checked one.
 *
 * @param at where the value stands, for the error text: `artifacts[0].layers`
 * @throws {SatchelError} `invalid` if it is something else
 */
export type Shape<T> = (value: unknown, at: string) => T;

/** Text of at most `limit` UTF-16 units. */
export function text(limit: number, pattern?: RegExp, what = `text that matches ${pattern}`): Shape<string> {
  return (value, at) => {
    if (typeof value !== "string") throw mismatch(at, "text", value);
    if (value.length > limit) throw invalid(`${nameOf(at)} is longer than ${limit} characters`);
    if (pattern && !pattern.test(value)) throw mismatch(at, what, value);
    return value;
  };
}

/** True or false. */
export const bool: Shape<boolean> = (value, at) => {
  if (typeof value !== "boolean") throw mismatch(at, "true or false", value);
  return value;
};

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number): Shape<number> {
  return (value, at) => {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    throw mismatch(at, `a whole number from ${min} to ${max}`, value);
  };
}

/** One of some texts. The error shows what was found instead, so this is not for what may be a secret. */
export function oneOf<const T extends string>(...values: readonly T[]): Shape<T> {
  return (value, at) => {
    const found = values.find((each) => each === value);
    if (found === undefined) {
      const shown = typeof value === "string" ? printable(JSON.stringify(value.slice(0, 64))) : kindOf(value);
      throw invalid(`${nameOf(at)} is ${shown}, not one of ${values.join(", ")}`);
    }
    return found;
  };
}

/** A list of at most `limit` values of one shape. */
export function list<T>(of: Shape<T>, limit: number): Shape<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw mismatch(at, "a list", value);
    if (value.length > limit) throw invalid(`${nameOf(at)} has more than ${limit} entries`);
    return value.map((each, index) => of(each, `${at}[${index}]`));
  };
}

/** An object whose members, at most `limit`, have names of the author's choice and values of one shape. */
export function record<T>(of: Shape<T>, limit: number): Shape<{ [name: string]: T }> {
  return (value, at) => {
    const members = membersOf(value, at);
    if (members.length > limit) throw invalid(`${nameOf(at)} has more than ${limit} members`);
    return Object.fromEntries(members.map(([name, each]) => [name, of(each, join(at, name))]));
  };
}

/** An object with the members of `required`, perhaps those of `optional`, and no others: a misspelt one must not be lost. */
export function object<R extends Shapes, O extends Shapes = Record<never, never>>(
  required: R,
  optional = {} as O,
): Shape<Checked<R> & Partial<Checked<O>>> {
  const shapes = new Map<string, Shape<unknown>>(Object.entries({ ...required, ...optional }));
  return (value, at) => {
    const members = membersOf(value, at);
    const checked: Record<string, unknown> = {};
    for (const [name, each] of members) {
      const shape = shapes.get(name);
      if (!shape) throw invalid(`${nameOf(join(at, name))} is not known`);
      checked[name] = shape(each, join(at, name));
    }
    for (const name of Object.keys(required)) {
      if (!Object.hasOwn(checked, name)) throw invalid(`${nameOf(join(at, name))} is missing`);
    }
    return checked as Checked<R> & Partial<Checked<O>>;
  };
}

/** Anything: depth and length were checked when it was parsed. */
export const anything: Shape<Json> = (value) => value as Json;

/** An error about a value that breaks the contract. */
export function invalid(message: string): SatchelError {
  return new SatchelError("invalid", message);
}

type Shapes = Readonly<Record<string, Shape<unknown>>>;
type Checked<S extends Shapes> = { [Name in keyof S]: ReturnType<S[Name]> };

function membersOf(value: unknown, at: string): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw mismatch(at, "an object", value);
  return Object.entries(value);
}

/** Says what was found by its kind alone: a value could be a secret. */
function mismatch(at: string, wanted: string, value: unknown): SatchelError {
  return invalid(`${nameOf(at)} is ${kindOf(value)}, not ${wanted}`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return { boolean: "true or false", number: "a number", string: "text" }[typeof value as string] ?? "nothing";
}

function join(at: string, name: string): string {
  return at === "" ? name : `${at}.${name}`;
}

function nameOf(at: string): string {
  return at === "" ? "the answer" : printable(JSON.stringify(at.slice(0, 100)));
}
