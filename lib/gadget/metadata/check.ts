import type * as z from "zod/mini";
import { printable } from "../../printable.ts";
import { suggestions } from "../../suggest.ts";
import { whyOddAnnotation } from "./annotations.ts";
import { MAX_METADATA_SIZE } from "./bounds.ts";
import { fitsType, PARAM_TYPES } from "./param_types.ts";
import {
  ANY_KEY,
  KNOWN_KEYS,
  METADATA_SCHEMA,
  type MetadataContent,
  type MetadataDataSource,
  type MetadataParam,
} from "./schema.ts";
import { kindText, MAX_QUOTED, pathText, placeAt, valueAt } from "./yaml_place.ts";
import { type MetadataProblem, parseYaml, type Place, YamlMap, YamlNull, type YamlValue } from "./yaml_tree.ts";

export { checkAgainstObject, checkMarkers, type ObjectProblem } from "./check_object.ts";
export { updateMetadata } from "./update.ts";
export type { MetadataDataSource, MetadataParam, MetadataProblem };

/** How many errors and how many warnings are told of one file. */
const MAX_TOLD = 100;

/** What a gadget.yaml says, as Inspektor Gadget reads it: a text that is not there is empty, what is null is not there. */
export interface StrictMetadata {
  name: string;
  description: string;
  homepageURL: string;
  documentationURL: string;
  sourceURL: string;
  /** In the order of the file. */
  annotations: [key: string, value: string][];
  dataSources: ReadonlyMap<string, MetadataDataSource>;
  /** By operators (`ebpf`, `wasm`), and then by variables. */
  params: ReadonlyMap<string, ReadonlyMap<string, MetadataParam>>;
  /** Where the key is that a path leads to; where it ends early, the last key that is there. */
  placeOf(...path: string[]): Place;
}

/**
 * Checks the syntax of a gadget.yaml, and that everything in it is of the type that it has to be. Keys that nobody knows and values that
 * nobody understands are warned of; what Inspektor Gadget would not read is an error.
 *
 * @param file its name, for texts about the whole of it
 * @returns the problems by their places, and what it says; `undefined` if there is an error
 * @example
 * ```ts
 * checkMetadata(new TextEncoder().encode("nmae: a"), "gadget.yaml").problems[0]?.text; // "nmae is not known; did you mean name?"
 * ```
 */
export function checkMetadata(
  bytes: Uint8Array,
  file: string,
): { problems: MetadataProblem[]; metadata: StrictMetadata | undefined } {
  const refused = (place: Place, text: string) => ({
    problems: [{ line: place.line, column: place.column, severity: "error" as const, text }],
    metadata: undefined,
  });
  const start = { line: 1, column: 1 };
  if (bytes.length > MAX_METADATA_SIZE) return refused(start, `${file} is longer than ${MAX_METADATA_SIZE} bytes`);
  const text = decode(bytes);
  if (typeof text !== "string") return refused(text, "this is not UTF-8");
  const { root, problems } = parseYaml(text);
  if (root instanceof YamlNull || (!root && problems.length === 0)) return refused(start, `${file} has no content`);
  if (!root) return { problems: told(problems), metadata: undefined };
  problems.push(...unknownKeys(root));
  const { data, error } = METADATA_SCHEMA.safeParse(root);
  if (error) problems.push(...error.issues.map((issue) => problemOf(issue, root)));
  if (data) problems.push(...oddAnnotations(data, root), ...oddParams(data, root));
  return { problems: told(problems), metadata: data && metadataOf(data, root) };
}

/** The text of a file, or where its first byte is that is no UTF-8. */
function decode(bytes: Uint8Array): string | Place {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const lines = new TextDecoder("utf-8").decode(bytes).split("\n");
    const encoder = new TextEncoder();
    // A replacement character that was in the file takes the three bytes that it is written with.
    for (let line = 0, at = 0; line < lines.length; line++) {
      const encoded = encoder.encode(lines[line]);
      const bad = encoded.findIndex((byte, index) => bytes[at + index] !== byte);
      if (bad !== -1) return { line: line + 1, column: new TextDecoder().decode(encoded.subarray(0, bad)).length + 1 };
      at += encoded.length + 1;
    }
    return { line: 1, column: 1 };
  }
}

type Issue = z.core.$ZodIssue;

function problemOf({ path, message }: Issue, root: YamlValue): MetadataProblem {
  const what = path.length === 0 ? "the file" : pathText(path);
  const text = `${what} has to be ${message}, not ${kindText(valueAt(root, path))}`;
  return { ...placeAt(root, path, "value"), severity: "error", text };
}

/** What the keys of older versions of Inspektor Gadget are called today. */
const RENAMED: Readonly<Record<string, string>> = { ebpfParams: "params.ebpf", structs: "datasources" };

function unknownKeys(root: YamlValue): MetadataProblem[] {
  return KNOWN_KEYS.flatMap(({ path, keys }) =>
    mapsAt(root, path).flatMap(({ path, map }) =>
      [...map.entries].filter(([key]) => !keys.includes(key)).map(([key, { place }]) => ({
        ...place,
        severity: "warning" as const,
        text: unknownKey(path, key, keys),
      }))
    )
  );
}

/** The maps that a path leads to. */
function mapsAt(
  node: YamlValue | undefined,
  [part, ...rest]: readonly (string | typeof ANY_KEY)[],
  before: readonly string[] = [],
): { path: readonly string[]; map: YamlMap }[] {
  if (!(node instanceof YamlMap)) return [];
  if (part === undefined) return [{ path: before, map: node }];
  const keys = part === ANY_KEY ? [...node.entries.keys()] : [part];
  return keys.flatMap((key) => mapsAt(node.entries.get(key)?.value, rest, [...before, key]));
}

function unknownKey(path: readonly string[], key: string, keys: readonly string[]): string {
  const known = keys.find((each) => each.toLowerCase() === key.toLowerCase());
  const renamed = path.length === 0 && Object.hasOwn(RENAMED, key) ? RENAMED[key] : undefined;
  const meant = renamed ?? known ?? suggestions(key, keys)[0];
  const text = `${pathText([...path, key])} is not known`;
  return meant === undefined ? text : `${text}; did you mean ${meant}?`;
}

function oddAnnotations({ datasources }: MetadataContent, root: YamlValue): MetadataProblem[] {
  return [...datasources].flatMap(([name, { annotations, fields }]) => [
    ...odd("data source", ["datasources", name, "annotations"], annotations, root),
    ...[...fields].flatMap(([field, { annotations }]) =>
      odd("field", ["datasources", name, "fields", field, "annotations"], annotations, root)
    ),
  ]);
}

function odd(
  of: "field" | "data source",
  path: string[],
  annotations: ReadonlyMap<string, string>,
  root: YamlValue,
): MetadataProblem[] {
  return [...annotations].flatMap(([key, value]) => {
    const why = whyOddAnnotation(of, key, value);
    if (why === undefined) return [];
    const text = `${key} ${why}, not "${printable(value, MAX_QUOTED)}"`;
    return [{ ...placeAt(root, [...path, key], "value"), severity: "warning", text }];
  });
}

function oddParams({ params }: MetadataContent, root: YamlValue): MetadataProblem[] {
  return [...params].flatMap(([operator, variables]) =>
    [...variables].flatMap(([variable, { alias, possibleValues, defaultValue, type }]): MetadataProblem[] => {
      const at = (member: string, text: string): MetadataProblem => ({
        ...placeAt(root, ["params", operator, variable, member], "value"),
        severity: "warning",
        text,
      });
      return [
        ...([...alias].length > 1
          ? [at("alias", `alias has to be one letter: "${printable(alias, MAX_QUOTED)}"`)]
          : []),
        ...(possibleValues.length > 0 && defaultValue !== "" && !possibleValues.includes(defaultValue)
          ? [at("defaultValue", `defaultValue is not one of possibleValues: "${printable(defaultValue, MAX_QUOTED)}"`)]
          : []),
        ...(type !== "" && !PARAM_TYPES.includes(type) ? [at("type", unknownType(type))] : []),
        ...(defaultValue !== "" && !fitsType(defaultValue, type)
          ? [at("defaultValue", `defaultValue is no ${type}: "${printable(defaultValue, MAX_QUOTED)}"`)]
          : []),
      ];
    })
  );
}

function unknownType(type: string): string {
  const text = `the type "${printable(type, MAX_QUOTED)}" is not known`;
  const [meant] = type.length > MAX_QUOTED ? [] : suggestions(type, PARAM_TYPES);
  return meant === undefined ? text : `${text}; did you mean ${meant}?`;
}

function metadataOf(content: MetadataContent, root: YamlValue): StrictMetadata {
  const { annotations, datasources, ...rest } = content;
  return {
    ...rest,
    annotations: [...annotations],
    dataSources: datasources,
    placeOf: (...path) => placeAt(root, path, "key"),
  };
}

/** The problems in their order, as many as somebody would read. */
function told(problems: readonly MetadataProblem[]): MetadataProblem[] {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const { error = [], warning = [] } = Object.groupBy(sorted, ({ severity }) => severity);
  const kept = new Set([...error.slice(0, MAX_TOLD), ...warning.slice(0, MAX_TOLD)]);
  return sorted.filter((problem) => kept.has(problem));
}
