import { SatchelError } from "../../error.ts";
import { suggestions } from "../../suggest.ts";
import type { Btf } from "../btf/btf.ts";
import type { BtfComposite, BtfType, BtfVariable } from "../btf/types.ts";
import type { EbpfMap } from "./maps.ts";
import type { EbpfFunction, EbpfObject } from "./object.ts";

/**
 * What a gadget's source says of itself, by variables whose names begin with `gadget_` and have parts that are joined by three
 * underscores.
 */
export type Marker =
  | { kind: "tracer"; name: string; map: string; struct: string }
  | { kind: "mapiter"; name: string; map: string }
  | { kind: "iter"; name: string; struct: string; programs: string[]; isDeprecated: boolean }
  | { kind: "param"; variable: string };

/** A marker that says what cannot be. */
export interface MarkerProblem {
  /** The name of the marker's variable. */
  variable: string;
  text: string;
}

const SEPARATOR = "___";

/** The most markers that are read; gadgets have a dozen. */
const MAX_MARKERS = 4096;

/** Of how many structures, and of names how long in UTF-16 units, one is suggested. */
const MAX_SUGGESTED = 200;
const MAX_SUGGESTED_LENGTH = 60;

/** How a marker's variable begins, and what its other parts are. */
const PREFIXES: readonly [prefix: string, read: (rest: string) => Marker | undefined][] = [
  ["gadget_tracer_", (rest) => {
    const [name, map, struct, ...more] = rest.split(SEPARATOR);
    return map === undefined || struct === undefined || more.length > 0
      ? undefined
      : { kind: "tracer", name: name!, map, struct };
  }],
  ["gadget_mapiter_", (rest) => {
    const [name, map, ...more] = rest.split(SEPARATOR);
    return map === undefined || more.length > 0 ? undefined : { kind: "mapiter", name: name!, map };
  }],
  ["gadget_iter_", (rest) => iterMarker(rest, false)],
  ["gadget_snapshotter_", (rest) => iterMarker(rest, true)],
  ["gadget_param_", (rest) => ({ kind: "param", variable: rest })],
];

function iterMarker(rest: string, isDeprecated: boolean): Marker | undefined {
  const [name, struct, ...programs] = rest.split(SEPARATOR);
  return struct === undefined || programs.length === 0
    ? undefined
    : { kind: "iter", name: name!, struct, programs, isDeprecated };
}

/** How a marker of each kind has to be written, for error texts. */
const FORMS: Readonly<Record<string, string>> = {
  gadget_tracer_: "gadget_tracer_NAME___MAP___STRUCT",
  gadget_mapiter_: "gadget_mapiter_NAME___MAP",
  gadget_iter_: "gadget_iter_NAME___STRUCT___PROGRAM...",
  gadget_snapshotter_: "gadget_snapshotter_NAME___STRUCT___PROGRAM...",
};

/**
 * Reads an object's markers in the order of its types. What is a marker by its name and not by its type
 * (`const void *`), or lacks parts, is a problem. Static and external variables are none.
 */
export function readMarkers(btf: Btf): { markers: Marker[]; problems: MarkerProblem[] } {
  const [markers, problems]: [Marker[], MarkerProblem[]] = [[], []];
  for (const type of btf.ofKind("var")) {
    const found = type.linkage === "global" && PREFIXES.find(([prefix]) => type.name.startsWith(prefix));
    if (!found) continue;
    if (markers.length + problems.length === MAX_MARKERS) {
      problems.push({ variable: type.name, text: `there are more than ${MAX_MARKERS} markers` });
      break;
    }
    const [prefix, read] = found;
    const text = whyNotMarkerType(btf, type);
    const marker = read(type.name.slice(prefix.length));
    if (text !== undefined) problems.push({ variable: type.name, text: `"${type.name}" ${text}` });
    else if (!marker) {
      problems.push({ variable: type.name, text: `"${type.name}" is not of the form ${FORMS[prefix]}` });
    } else markers.push(marker);
  }
  return { markers, problems };
}

function whyNotMarkerType(btf: Btf, { typeId }: BtfVariable): string | undefined {
  const pointer = btf.type(typeId);
  if (pointer.kind !== "ptr") return "is not a pointer";
  const constant = btf.type(pointer.typeId);
  if (constant.kind !== "const") return "is not const";
  return btf.type(constant.typeId).kind === "void" ? undefined : "is not a const void pointer";
}

/** A source of records that an object has, with the structures that its fields come from. */
export interface ObjectDataSource {
  kind: "tracer" | "mapiter" | "iter";
  name: string;
  /** What its records are made of; of a map iterator first the key's structure, then the value's. */
  structs: BtfComposite[];
  /** What the records come through; an iterator has none. */
  map: EbpfMap | undefined;
  /** What an iterator is fed by. */
  programs: string[];
}

/** The maps and programs of an object by their names; who looks up many markers makes it once. */
export class ObjectNames {
  readonly maps: ReadonlyMap<string, EbpfMap>;
  readonly programs: ReadonlyMap<string, EbpfFunction>;

  constructor({ maps, functions }: EbpfObject) {
    // Of several with one name it is the first.
    this.maps = new Map(maps.toReversed().map((map) => [map.name, map]));
    const programs = functions.filter(({ type }) => type !== "UnspecifiedProgram");
    this.programs = new Map(programs.toReversed().map((program) => [program.name, program]));
  }
}

/**
 * Looks up what a marker names.
 *
 * @returns `undefined` for the marker of a parameter, which is no source of records
 * @throws {SatchelError} `invalid` if the object does not have it, or of another type than it has to be
 */
export function dataSourceOf(
  object: EbpfObject,
  marker: Marker,
  names = new ObjectNames(object),
): ObjectDataSource | undefined {
  switch (marker.kind) {
    case "tracer": {
      const map = mapNamed(names, marker.map, "tracer", marker.name);
      if (map.type !== "RingBuf" && map.type !== "PerfEventArray") {
        throw wrong("tracer", marker.name, `its map "${map.name}" is a ${map.type}, not a RingBuf or a PerfEventArray`);
      }
      return { kind: "tracer", name: marker.name, structs: [structNamed(object, marker)], map, programs: [] };
    }
    case "mapiter": {
      const map = mapNamed(names, marker.map, "map iterator", marker.name);
      if (map.type !== "Hash") {
        throw wrong("map iterator", marker.name, `its map "${map.name}" is a ${map.type}, not a Hash`);
      }
      const structs = [keyOrValue(object, map, "key"), keyOrValue(object, map, "value")];
      return { kind: "mapiter", name: marker.name, structs, map, programs: [] };
    }
    case "iter": {
      for (const program of marker.programs) expectIterator(names, marker.name, program);
      const structs = [structNamed(object, marker)];
      return { kind: "iter", name: marker.name, structs, map: undefined, programs: marker.programs };
    }
    case "param":
      return undefined;
  }
}

function mapNamed({ maps }: ObjectNames, name: string, what: string, marker: string): EbpfMap {
  const map = maps.get(name);
  if (!map) throw wrong(what, marker, `the object has no map "${name}"`);
  return map;
}

function structNamed({ btf }: EbpfObject, { kind, name, struct }: Extract<Marker, { struct: string }>): BtfComposite {
  const type = btf?.find("struct", struct);
  if (type) return type;
  const other: BtfType | undefined = btf?.named(struct).map((id) => btf.type(id))[0];
  const what = kind === "tracer" ? "tracer" : "iterator";
  if (other) throw wrong(what, name, `"${struct}" is a ${other.kind}, not a struct`);
  const [meant] = suggestions(struct, btf ? structNames(btf) : []);
  const hint =
    `clang leaves out what nothing refers to; a global variable keeps it: const struct ${struct} *unused_${struct};`;
  const typo = meant === undefined ? "" : `did you mean ${meant}? If not: `;
  throw wrong(what, name, `the object's BTF has no struct "${struct}"`, typo + hint);
}

/** Some of the names that structures have, for suggestions. */
function structNames(btf: Btf): string[] {
  const short = btf.ofKind("struct").filter(({ name }) => name !== "" && name.length <= MAX_SUGGESTED_LENGTH);
  return short.take(MAX_SUGGESTED).map(({ name }) => name).toArray();
}

function keyOrValue({ btf }: EbpfObject, map: EbpfMap, which: "key" | "value"): BtfComposite {
  const typeId = which === "key" ? map.keyTypeId : map.valueTypeId;
  const type = typeId === undefined ? undefined : btf?.type(typeId);
  if (type?.kind !== "struct") throw new SatchelError("invalid", `map "${map.name}": its ${which} is no struct`);
  return type;
}

function expectIterator({ programs }: ObjectNames, marker: string, program: string): void {
  const found = programs.get(program);
  if (!found) throw wrong("iterator", marker, `the object has no program "${program}"`);
  if (!/^iter(\.s)?\//.test(found.section.name)) {
    throw wrong(
      "iterator",
      marker,
      `the program "${program}" is in section "${found.section.name}", not in "iter/..."`,
    );
  }
}

function wrong(what: string, name: string, text: string, hint?: string): SatchelError {
  return new SatchelError("invalid", `${what} "${name}": ${text}`, { hint });
}
