import { dirname, join, resolve } from "node:path";
import { isMap, isScalar, type YAMLMap } from "yaml";
import type { SatchelError } from "../../lib/error.ts";
import { suggestions } from "../../lib/suggest.ts";
import { parseDuration } from "../line/flags.ts";

/** A file that nodes come from. */
export interface ConfigSource {
  /** Its path. */
  file: string;
  /** The home of the user who reads it, where there is one. */
  home?: string;
  /** Where a node stands in it: `FILE:LINE:COLUMN`. */
  where(node: unknown): string;
  /** The error for a node, with its place; for a value that is not there, with that of its key. */
  complain(node: unknown, message: string): SatchelError;
}

/** Reads the value of a key. */
export type Reader<T> = (node: unknown, source: ConfigSource) => T;

/** The values of a map whose keys are known. */
export type Read<Readers extends Record<string, Reader<unknown>>> = {
  [Key in keyof Readers]?: ReturnType<Readers[Key]>;
};

/**
 * Reads a map whose keys are known. Errors about a value start with its key.
 *
 * @throws {SatchelError} `usage` for other keys, and what the readers throw
 */
export function readMap<Readers extends Record<string, Reader<unknown>>>(
  map: YAMLMap,
  readers: Readers,
  source: ConfigSource,
): Read<Readers> {
  const values = map.items.map((pair) => {
    const key = isScalar(pair.key) ? String(pair.key.value) : "";
    if (!Object.hasOwn(readers, key)) throw unknownKey(pair.key, key, Object.keys(readers), source);
    return { [key]: readers[key](pair.value, within(source, key, pair.value ?? pair.key)) };
  });
  return Object.assign({}, ...values);
}

/** A map's keys and values, as they are. */
export function readEntries(
  node: unknown,
  source: ConfigSource,
  rule: string,
): (readonly [string, unknown, unknown])[] {
  if (!isMap(node)) throw source.complain(node, rule);
  return node.items.map((pair) => [readText(pair.key, source), pair.value, pair.key] as const);
}

/** A duration, in milliseconds. */
export function readDuration(node: unknown, source: ConfigSource): number {
  const duration = isScalar(node) ? parseDuration(String(node.value)) : undefined;
  if (duration === undefined) throw source.complain(node, "it must be a duration like 30s or 5m");
  return duration;
}

/** A text. */
export function readText(node: unknown, source: ConfigSource): string {
  if (isScalar(node) && typeof node.value === "string") return node.value;
  throw source.complain(node, "it must be text");
}

/** A path, in full: it is one from the folder of the file, and `~/` stands for the home of the user who reads it. */
export function readPath(node: unknown, source: ConfigSource): string {
  const text = readText(node, source);
  if (text === "") throw source.complain(node, "it must not be empty");
  if (!text.startsWith("~")) return resolve(dirname(source.file), text);
  if (!text.startsWith("~/")) throw source.complain(node, "~ can only stand for the own home: write ~/... or ./~...");
  if (source.home === undefined) throw source.complain(node, "there is no home that ~ could stand for");
  return join(source.home, text.slice("~/".length));
}

/** The same source, for what stands under a key: errors name it, and have a place where the value has none. */
export function within(source: ConfigSource, key: string, blame: unknown): ConfigSource {
  return { ...source, complain: (node, message) => source.complain(node ?? blame, `${key}: ${message}`) };
}

function unknownKey(node: unknown, key: string, known: readonly string[], source: ConfigSource): SatchelError {
  const [similar] = suggestions(key, known);
  const advice = similar ? `did you mean ${similar}?` : `known keys are ${known.join(", ")}`;
  return source.complain(node, `unknown key ${JSON.stringify(key)}: ${advice}`);
}
