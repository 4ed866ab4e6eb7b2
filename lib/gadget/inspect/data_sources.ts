import { SatchelError } from "../../error.ts";
import type { JsonObject } from "../../oci/mod.ts";
import type { GadgetDataSource, GadgetMetadata } from "../metadata/lenient.ts";
import { dataSourceOf, type ObjectDataSource, ObjectNames, readMarkers } from "../object/markers.ts";
import type { EbpfObject } from "../object/object.ts";
import type { FieldAnnotations } from "./annotations.ts";
import type { DataSourceField } from "./field.ts";
import { Fields } from "./fields.ts";
import { addFormatted } from "./formatters.ts";

/** Something that a gadget tells records from, as `ig image inspect --show-datasources` shows it. */
export interface DataSource {
  name: string;
  /** 1: a record at a time (tracers); 2: lists of records (iterators, map iterators). */
  type: 1 | 2;
  fields: DataSourceField[];
  annotations: FieldAnnotations;
}

/** How many data sources an object may have; official gadgets have a handful. */
const MAX_DATA_SOURCES = 1000;

/** What an array of records says of how often it is fetched, unless gadget.yaml does. */
const FETCHED: Readonly<Record<ObjectDataSource["kind"], FieldAnnotations>> = {
  tracer: {},
  mapiter: { "fetch-count": "0", "fetch-interval": "1s" },
  iter: { "fetch-count": "1", "fetch-interval": "0" },
};

/**
 * The data sources of a gadget with their fields, sorted by name: what the object's markers name, with what gadget.yaml says
 * of them.
 *
 * @param onProblem gets the errors of markers that name what the object does not have, or not as it should be; those data
 * sources are left out. Default: they are thrown
 * @throws {SatchelError} `invalid` if the types are broken, contain themselves or have too many members
 */
export function readDataSources(
  object: EbpfObject,
  metadata: GadgetMetadata | undefined,
  onProblem: (problem: SatchelError) => void = (problem) => {
    throw problem;
  },
): DataSource[] {
  const { btf } = object;
  if (!btf) return [];
  const markers = readMarkers(btf).markers.filter(({ kind }) => kind !== "param");
  if (markers.length > MAX_DATA_SOURCES) {
    throw new SatchelError(
      "invalid",
      `the eBPF object has ${markers.length} data sources, more than ${MAX_DATA_SOURCES}`,
    );
  }
  const names = new ObjectNames(object);
  const fields = new Fields(btf);
  const sources: DataSource[] = [];
  for (const marker of markers) {
    try {
      const source = dataSourceOf(object, marker, names);
      if (source) {
        sources.push(dataSource(source, metadata?.dataSources.findLast(({ name }) => name === source.name), fields));
      }
    } catch (error) {
      if (!(error instanceof SatchelError)) throw error;
      onProblem(error);
    }
  }
  return sources.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

function dataSource(source: ObjectDataSource, said: GadgetDataSource | undefined, fields: Fields): DataSource {
  const list: DataSourceField[] = [];
  const settings = new Map(said?.fields.map(({ name, annotations }) => [name, Object.fromEntries(annotations)]));
  source.structs.forEach((struct, payloadIndex) => {
    const isKey = source.kind === "mapiter" && payloadIndex === 0;
    fields.add(list, struct, { payloadIndex, tags: isKey ? ["src:ebpf", "role:key"] : ["src:ebpf"], settings });
  });
  addFormatted(list, fields.enums, source.structs.length, settings);
  return {
    name: source.name,
    type: source.kind === "tracer" ? 1 : 2,
    fields: list,
    annotations: { ...FETCHED[source.kind], ...Object.fromEntries(said?.annotations ?? []) },
  };
}

/** Data sources as `ig` writes them in JSON: what is zero or empty is left out, and none at all is `null`. */
export function encodeDataSources(sources: readonly DataSource[]): JsonObject[] | null {
  if (sources.length === 0) return null;
  return sources.map(({ name, type, fields, annotations }) =>
    withoutEmpty({ name, type, fields: fields.map(encodeField), annotations: sortedByKey(annotations) })
  );
}

function encodeField(field: DataSourceField): JsonObject {
  const { name, fullName, index, payloadIndex, offs, size, flags, kind, tags, annotations, parent, order } = field;
  return withoutEmpty({
    name,
    fullName,
    index,
    payloadIndex,
    offs,
    size,
    flags,
    kind,
    tags,
    annotations: sortedByKey(annotations),
    parent,
    order,
  });
}

function withoutEmpty(members: JsonObject): JsonObject {
  const isEmpty = (value: unknown) =>
    value === 0 || value === "" || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isEmpty(value)));
}

function sortedByKey(annotations: FieldAnnotations): FieldAnnotations {
  return Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => a < b ? -1 : 1));
}
