import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import type { Json } from "./contract.ts";

/** Where a value stands. */
export interface Place {
  /** The value that was parsed, for error texts: `the manifest`. */
  whole: string;
  /** The way to the value inside of it: `artifacts[0].layers`, empty for the whole. */
  at: string;
  /** Gets the way to each member that nobody knows. */
  onUnknown(at: string): void;
}

/**
 * Turns a parsed JSON value into a checked one.
 *
 * @throws {SatchelError} `invalid` if it is something else
 */
export type Shape<T> = (value: unknown, place: Place) => T;

/** What a text has to be. */
export interface TextRule {
  test(text: string): boolean;
  /** `one line` */
  what: string;
}

/** Text without control characters and line separators. */
export const LINE: TextRule = {
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  test: (text) => /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/.test(text),
  what: "one line",
};

/** Text of at most `limit` UTF-16 units. */
export function text(limit: number, rule?: TextRule): Shape<string> {
  return (value, place) => {
    if (typeof value !== "string") throw mismatch(place, "text", value);
    if (value.length > limit) throw invalid(`${nameOf(place)} is longer than ${limit} characters`);
    if (rule && !rule.test(value)) throw invalid(`${nameOf(place)} is not ${rule.what}`);
    return value;
  };
}

/** True or false. */
export const bool: Shape<boolean> = (value, place) => {
  if (typeof value !== "boolean") throw mismatch(place, "true or false", value);
  return value;
};

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number): Shape<number> {
  return (value, place) => {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    throw mismatch(place, `a whole number from ${min} to ${max}`, value);
  };
}

/** One of some texts. The error shows what was found instead, so this is not for what may be a secret. */
export function oneOf<const T extends string>(...values: readonly T[]): Shape<T> {
  return (value, place) => {
    const found = values.find((each) => each === value);
    if (found !== undefined) return found;
    const shown = typeof value === "string" ? quoted(value) : kindOf(value);
    throw invalid(`${nameOf(place)} is ${shown}, not one of ${values.join(", ")}`);
  };
}

/** A list of at most `limit` values of one shape. */
export function list<T>(of: Shape<T>, limit: number): Shape<T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) throw mismatch(place, "a list", value);
    if (value.length > limit) throw invalid(`${nameOf(place)} has more than ${limit} entries`);
    return value.map((each, index) => of(each, { ...place, at: `${place.at}[${index}]` }));
  };
}

/** An object whose members, at most `limit`, have names of the author's choice and values of one shape. */
export function record<T>(of: Shape<T>, limit: number): Shape<{ [name: string]: T }> {
  return (value, place) => {
    const members = membersOf(value, place);
    if (members.length > limit) throw invalid(`${nameOf(place)} has more than ${limit} members`);
    return Object.fromEntries(members.map(([name, each]) => [name, of(each, inside(place, name))]));
  };
}

/** An object with the members of `required` and perhaps those of `optional`. Others are passed over, and told. */
export function object<R extends Shapes, O extends Shapes = Record<never, never>>(
  required: R,
  optional = {} as O,
): Shape<Checked<R> & Partial<Checked<O>>> {
  const shapes = new Map<string, Shape<unknown>>(Object.entries({ ...required, ...optional }));
  return (value, place) => {
    const checked: Record<string, unknown> = {};
    for (const [name, each] of membersOf(value, place)) {
      const shape = shapes.get(name);
      if (shape) checked[name] = shape(each, inside(place, name));
      else place.onUnknown(inside(place, name).at);
    }
    for (const name of Object.keys(required)) {
      if (!Object.hasOwn(checked, name)) throw invalid(`${nameOf(inside(place, name))} is missing`);
    }
    return checked as Checked<R> & Partial<Checked<O>>;
  };
}

/** Anything: depth and length were checked when it was parsed. */
export const anything: Shape<Json> = (value) => value as Json;

/** What a value is called in an error: the whole, or `"artifacts[0]" in the answer of sign`. */
export function nameOf({ whole, at }: Place): string {
  return at === "" ? whole : `${quoted(at, 100)} in ${whole}`;
}

/** Text from outside in quotes, as it may be shown. */
export function quoted(text: string, limit = 64): string {
  return printable(JSON.stringify(text.slice(0, limit)));
}

/** An error about a value that breaks the contract. */
export function invalid(message: string): SatchelError {
  return new SatchelError("invalid", message);
}

type Shapes = Readonly<Record<string, Shape<unknown>>>;
type Checked<S extends Shapes> = { [Name in keyof S]: ReturnType<S[Name]> };

function membersOf(value: unknown, place: Place): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw mismatch(place, "an object", value);
  return Object.entries(value);
}

/** Says what was found by its kind alone: a value could be a secret. */
function mismatch(place: Place, wanted: string, value: unknown): SatchelError {
  return invalid(`${nameOf(place)} is ${kindOf(value)}, not ${wanted}`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return { boolean: "true or false", number: "a number", string: "text" }[typeof value as string] ?? "nothing";
}

function inside(place: Place, name: string): Place {
  return { ...place, at: place.at === "" ? name : `${place.at}.${name}` };
}
