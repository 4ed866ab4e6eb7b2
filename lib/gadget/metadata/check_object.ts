import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";
import { suggestions } from "../../suggest.ts";
import type { EbpfObject } from "../object/object.ts";
import { type ObjectParam, paramReader, readParams } from "../object/params.ts";
import type { StrictMetadata } from "./check.ts";
import { fitsType, isSameType, PARAM_TYPES } from "./param_types.ts";
import type { MetadataDataSource, MetadataParam } from "./schema.ts";
import { fieldsOf } from "./fields.ts";
import { type MarkedDataSource, markedDataSources } from "./marked.ts";
import { MAX_QUOTED } from "./yaml_place.ts";
import type { MetadataProblem, Place } from "./yaml_tree.ts";

/**
 * Checks that an object has what a gadget.yaml names. A parameter that cannot be set is an error, as is a marker of a data source that
 * names what is not there: the gadget would not run. A data source or a field that the object does not have is warned of, unless a Wasm
 * module may make it. Markers that the file does not speak of are for {@link checkMarkers}.
 *
 * @param object that of one architecture; `undefined` if the gadget has none
 */
export function checkAgainstObject(
  metadata: StrictMetadata,
  object: EbpfObject | undefined,
  { hasWasm = false }: { hasWasm?: boolean } = {},
): MetadataProblem[] {
  const problems = [...paramProblems(metadata, object).take(MAX_TOLD)];
  if (object) {
    try {
      problems.push(...markerProblems(metadata, object).take(MAX_TOLD));
      if (!hasWasm) problems.push(...dataSourceProblems(metadata, object).take(MAX_TOLD));
    } catch (error) {
      if (!(error instanceof SatchelError)) throw error;
      problems.push(problem(metadata.placeOf("datasources"), "error", error.message));
    }
  }
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** What is wrong with an object, which is at no place of a gadget.yaml. */
export interface ObjectProblem {
  severity: "error" | "warning";
  text: string;
}

/**
 * Checks an object's markers, as far as the gadget.yaml does not speak of what they mark. With one, a data source that names what is not there is
 * an error: the gadget would not run. Without one it is no more than odd, as nothing says that it is to be a gadget that runs by itself.
 *
 * @param metadata `undefined` if there is no gadget.yaml
 */
export function checkMarkers(metadata: StrictMetadata | undefined, object: EbpfObject): ObjectProblem[] {
  try {
    const problems = markedDataSources(object).problems.flatMap(({ name, text }): ObjectProblem[] => {
      if (name !== undefined && metadata?.dataSources.has(name)) return [];
      // A variable that is a marker by its name alone is overlooked.
      return [{ severity: metadata && name !== undefined ? "error" : "warning", text: printable(text) }];
    });
    const params = readParams(object).flatMap(({ variable, problem }): ObjectProblem[] =>
      problem === undefined || metadata?.params.get("ebpf")?.has(variable)
        ? []
        : [{ severity: "warning", text: `parameter "${printable(variable, MAX_QUOTED)}": ${printable(problem)}` }]
    );
    return [...problems.slice(0, MAX_TOLD), ...params.slice(0, MAX_TOLD)];
  } catch (error) {
    if (error instanceof SatchelError) return [{ severity: metadata ? "error" : "warning", text: error.message }];
    throw error;
  }
}

/** How many problems are told of parameters, and of data sources; and of how many names one is suggested. */
const MAX_TOLD = 100;
const MAX_SUGGESTED = 200;

/** The annotations by which a formatter is told what its text is called. */
const FORMATTER = /^(formatters\..*\.target|ebpf\.formatter\..*)$/;

/** What operators add to data sources of any gadget. */
const ADDED = /(^|\.)(k8s|runtime)(\.|$)/;

function problem({ line, column }: Place, severity: MetadataProblem["severity"], text: string): MetadataProblem {
  return { line, column, severity, text };
}

function* paramProblems(metadata: StrictMetadata, object: EbpfObject | undefined): Generator<MetadataProblem> {
  const params = metadata.params.get("ebpf") ?? new Map<never, never>();
  if (!object && params.size > 0) {
    yield problem(metadata.placeOf("params", "ebpf"), "error", "params.ebpf needs an eBPF program, and there is none");
    return;
  }
  const read = object && params.size > 0 ? paramReader(object) : undefined;
  for (const [variable, param] of params) {
    const { key } = param;
    const place = metadata.placeOf("params", "ebpf", variable);
    const why = read && whyNoParam(object!, read, variable);
    if (why !== undefined) yield problem(place, "error", printable(why));
    else if (read) yield* typeProblems(metadata, param, read(variable));
    if (key === "") {
      const text = `the parameter "${printable(variable, MAX_QUOTED)}" has no key`;
      yield problem(metadata.placeOf("params", "ebpf", variable, "key"), "error", text);
    }
  }
}

/** What a parameter says of its variable. Whether its default is of the type that it says itself, is known without the object. */
function* typeProblems(
  metadata: StrictMetadata,
  { type, defaultValue }: MetadataParam,
  { variable, typeName, cType, size }: ObjectParam,
): Generator<MetadataProblem> {
  if (typeName === undefined) return;
  const warn = (member: string, text: string) =>
    problem(metadata.placeOf("params", "ebpf", variable, member), "warning", text);
  const what = `the variable is of the type ${typeName} (${printable(cType, MAX_QUOTED)})`;
  const value = printable(defaultValue, MAX_QUOTED);
  if (PARAM_TYPES.includes(type) && !isSameType(type, typeName)) {
    yield warn("type", `type is ${type}, but ${what}`);
  } else if (defaultValue !== "" && type === "" && !fitsType(defaultValue, typeName)) {
    yield warn("defaultValue", `defaultValue is "${value}", but ${what}`);
  } else if (typeName === "string" && new TextEncoder().encode(defaultValue).length > size) {
    yield warn("defaultValue", `defaultValue is "${value}", but the variable has room for ${size} bytes`);
  }
}

function whyNoParam(
  object: EbpfObject,
  read: (variable: string) => ObjectParam,
  variable: string,
): string | undefined {
  try {
    const { problem } = read(variable);
    if (problem === undefined || object.btf?.find("var", variable)) return problem;
    const constants = object.variables.filter(({ section }) => section.startsWith(".rodata"));
    return withSuggestion(problem, variable, constants.map(({ name }) => name));
  } catch (error) {
    if (error instanceof SatchelError) return error.message;
    throw error;
  }
}

function* markerProblems(metadata: StrictMetadata, object: EbpfObject): Generator<MetadataProblem> {
  for (const { name, text } of markedDataSources(object).problems) {
    if (name === undefined || !metadata.dataSources.has(name)) continue;
    yield problem(metadata.placeOf("datasources", name), "error", printable(text));
  }
}

function* dataSourceProblems(metadata: StrictMetadata, object: EbpfObject): Generator<MetadataProblem> {
  const { sources, problems } = markedDataSources(object);
  const broken = new Set(problems.map(({ name }) => name));
  for (const [name, { fields }] of metadata.dataSources) {
    const source = sources.get(name);
    if (source) yield* fieldProblems(metadata, object, name, source, fields);
    else if (!broken.has(name)) {
      const text = `no data source "${printable(name, MAX_QUOTED)}" is marked in the eBPF program`;
      yield problem(metadata.placeOf("datasources", name), "warning", withSuggestion(text, name, [...sources.keys()]));
    }
  }
}

function* fieldProblems(
  metadata: StrictMetadata,
  object: EbpfObject,
  name: string,
  { structs }: MarkedDataSource,
  fields: MetadataDataSource["fields"],
): Generator<MetadataProblem> {
  if (!object.btf) return;
  const known = new Set(structs.flatMap((struct) => fieldsOf(object.btf!, struct).flatMap(({ names }) => names)));
  // Annotations may say what is made of a field is called.
  for (const { annotations } of fields.values()) {
    for (const [key, value] of annotations) if (FORMATTER.test(key)) known.add(value);
  }
  for (const field of fields.keys()) {
    if (known.has(field) || ADDED.test(field) || isOfFormatted(field, known)) continue;
    const what = structs.map((struct) => `struct ${struct.name}`).join(" and ");
    const text = `there is no field "${printable(field, MAX_QUOTED)}" in ${printable(what, MAX_QUOTED)}`;
    yield problem(
      metadata.placeOf("datasources", name, "fields", field),
      "warning",
      withSuggestion(text, field, [...known]),
    );
  }
}

/** Whether a field is in one that is made of another one: `ustack.symbols` of `ustack_raw`. */
function isOfFormatted(field: string, known: ReadonlySet<string>): boolean {
  const outer = field.slice(0, field.lastIndexOf("."));
  return field.includes(".") && known.has(outer) && known.has(`${outer}_raw`);
}

function withSuggestion(text: string, typed: string, names: readonly string[]): string {
  const short = names.slice(0, MAX_SUGGESTED).filter((name) => name.length <= MAX_QUOTED);
  const [meant] = suggestions(typed, short);
  return meant === undefined ? text : `${text}; did you mean ${printable(meant, MAX_QUOTED)}?`;
}
