import { SatchelError } from "../../error.ts";
import type { GadgetDataSource, GadgetMetadata, GadgetParam } from "../metadata/lenient.ts";
import { programsOf } from "../object/disassemble.ts";
import { readMarkers } from "../object/markers.ts";
import { type EbpfFunction, type EbpfObject, readEbpfObject } from "../object/object.ts";
import { type ObjectParam, readParams } from "../object/params.ts";
import { HIDDEN_ANNOTATION, TEMPLATE_ANNOTATION } from "./annotations.ts";
import { type DataSource, readDataSources } from "./data_sources.ts";
import { type DataSourceField, FieldFlag } from "./field.ts";
import { kindName } from "./field_kinds.ts";
import { readWasm, type WasmVersion, WITHOUT_VERSION } from "./wasm.ts";

/** What a gadget is made of, for people to read. All texts are as they came: whoever shows them makes them printable. */
export interface GadgetSummary {
  programs: ProgramSummary[];
  maps: MapSummary[];
  params: ParamSummary[];
  dataSources: DataSourceSummary[];
  wasm: WasmSummary | undefined;
  /** What is wrong with the image: layers that cannot be read, markers of what is not there, parameters that cannot be set. */
  problems: string[];
}

export interface ProgramSummary {
  name: string;
  section: string;
  /** `TracePoint`. */
  type: string;
  /** How it is attached, what the section's name begins with: `kprobe`, `tracepoint`, `iter`. */
  attach: string;
  /** What to, `vfs_write`; empty if that is not in the section's name. */
  target: string;
  /** How many instructions of 8 bytes it has, without the functions that it calls. */
  instructions: number;
}

export interface MapSummary {
  name: string;
  /** `RingBuf`. */
  type: string;
  /** Bytes. */
  keySize: number;
  valueSize: number;
  /** 0 if the loader decides. For a ring buffer it is its size in bytes. */
  maxEntries: number;
}

export interface ParamSummary {
  /** What takes it: `ebpf`, `wasm`. */
  operator: string;
  variable: string;
  /** What it is set by. */
  key: string;
  alias: string;
  /** `uint32`: the object's, or else what gadget.yaml says; where `ig` has no name for it, as C has it. */
  type: string;
  /** What it is if nobody sets it: what the object has, or else what gadget.yaml says. */
  default: string;
  /** What gadget.yaml says that it is, if that is something else. */
  otherDefault: string | undefined;
  description: string;
  isMandatory: boolean;
  possibleValues: string[];
}

export interface DataSourceSummary {
  name: string;
  /** Whether records come one at a time or as lists; `described` if all that is known of it is what gadget.yaml says. */
  type: "events" | "list" | "described";
  fields: FieldSummary[];
}

export interface FieldSummary {
  /** With the names of what it is a member of: `leaf.a`. */
  name: string;
  /** `uint32`, `string`; empty if gadget.yaml alone says that it is there. */
  type: string;
  description: string;
  template: string;
  /** Whether it is only shown when asked for. */
  isHidden: boolean;
}

export interface WasmSummary {
  apiVersion: WasmVersion;
  /** The functions of Inspektor Gadget that it calls. */
  upcalls: string[];
  /** Names of the functions that it has for Inspektor Gadget. */
  exports: string[];
}

/** What is told of an image. */
export interface SummaryParts {
  metadata: GadgetMetadata | undefined;
  ebpf: Uint8Array | undefined;
  wasm: Uint8Array | undefined;
}

/** Tells what a gadget is made of. What cannot be read is a problem of it, and no error. */
export function summarize({ metadata, ebpf, wasm }: SummaryParts): GadgetSummary {
  const problems: string[] = [];
  const tell = (problem: SatchelError) => problems.push(problem.message);
  const object = ebpf && attempt(() => readEbpfObject(ebpf, "the eBPF layer"), tell);
  const params = object && attempt(() => readParams(object), tell);
  const dataSources = object && attempt(() => readDataSources(object, metadata, tell), tell);
  const module = wasm && attempt(() => readWasm(wasm, "the Wasm layer"), tell);
  const markers = object?.btf && attempt(() => readMarkers(object.btf!), tell);
  problems.push(...markers?.problems.map(({ text }) => text) ?? []);
  if (module?.apiVersion === "missing") problems.push(`the Wasm layer: ${WITHOUT_VERSION}`);
  problems.push(...params?.flatMap(({ problem }) => problem ?? []) ?? []);
  return {
    programs: object ? programsOf(object).map(programSummary) : [],
    maps: object ? mapsOf(object) : [],
    params: mergedParams(params ?? [], metadata?.params ?? []),
    dataSources: mergedDataSources(dataSources ?? [], metadata?.dataSources ?? []),
    wasm: module && {
      apiVersion: module.apiVersion,
      upcalls: module.upcalls,
      exports: module.exports.filter(({ kind }) => kind === "function").map(({ name }) => name),
    },
    problems,
  };
}

function attempt<T>(read: () => T, tell: (problem: SatchelError) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SatchelError)) throw error;
    tell(error);
    return undefined;
  }
}

function programSummary({ name, section, type, code }: EbpfFunction): ProgramSummary {
  const slash = section.name.indexOf("/");
  return {
    name,
    section: section.name,
    type,
    attach: (slash === -1 ? section.name : section.name.slice(0, slash)).replace(/^\?/, ""),
    target: slash === -1 ? "" : section.name.slice(slash + 1),
    instructions: code.length / 8,
  };
}

function mapsOf({ maps }: EbpfObject): MapSummary[] {
  return maps.map(({ name, type, keySize, valueSize, maxEntries }) => ({ name, type, keySize, valueSize, maxEntries }));
}

/** The parameters of the object, each with what gadget.yaml says of it, then those that only gadget.yaml has. */
function mergedParams(params: readonly ObjectParam[], said: readonly GadgetParam[]): ParamSummary[] {
  const byVariable = new Map(said.filter(({ operator }) => operator === "ebpf").map((each) => [each.variable, each]));
  const variables = new Set(params.map(({ variable }) => variable));
  const others = said.filter(({ operator, variable }) => operator !== "ebpf" || !variables.has(variable));
  return [
    ...params.map((param) => paramSummary("ebpf", param.variable, byVariable.get(param.variable), param)),
    ...others.map((each) => paramSummary(each.operator, each.variable, each, undefined)),
  ];
}

function paramSummary(
  operator: string,
  variable: string,
  said: GadgetParam | undefined,
  param: ObjectParam | undefined,
): ParamSummary {
  const ours = param?.default;
  const theirs = said?.defaultValue;
  return {
    operator,
    variable,
    key: said?.key ?? variable,
    alias: said?.alias ?? "",
    type: param?.typeName ?? said?.type ?? param?.cType ?? "",
    default: ours ?? theirs ?? "",
    otherDefault: ours !== undefined && theirs !== undefined && ours !== theirs ? theirs : undefined,
    description: said?.description ?? "",
    isMandatory: said?.isMandatory ?? false,
    possibleValues: said?.possibleValues ?? [],
  };
}

/** The data sources of the object, then those that gadget.yaml alone has: a module makes them when it runs. */
function mergedDataSources(sources: readonly DataSource[], said: readonly GadgetDataSource[]): DataSourceSummary[] {
  const names = new Set(sources.map(({ name }) => name));
  return [...sources.map(dataSourceSummary), ...said.filter(({ name }) => !names.has(name)).map(describedSource)];
}

function describedSource({ name, fields }: GadgetDataSource): DataSourceSummary {
  const described = fields.map((field): FieldSummary => {
    const annotations = Object.fromEntries(field.annotations);
    return {
      name: field.name,
      type: "",
      description: annotations.description ?? "",
      template: annotations[TEMPLATE_ANNOTATION] ?? "",
      isHidden: annotations[HIDDEN_ANNOTATION] === "true",
    };
  });
  return { name, type: "described", fields: described };
}

function dataSourceSummary({ name, type, fields }: DataSource): DataSourceSummary {
  return { name, type: type === 1 ? "events" : "list", fields: fields.map(fieldSummary) };
}

function fieldSummary({ fullName, kind, annotations, flags }: DataSourceField): FieldSummary {
  return {
    name: fullName,
    type: kindName(kind),
    description: annotations.description ?? "",
    template: annotations[TEMPLATE_ANNOTATION] ?? "",
    isHidden: (flags & FieldFlag.hidden) !== 0 || annotations[HIDDEN_ANNOTATION] === "true",
  };
}
