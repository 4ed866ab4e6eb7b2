import * as z from "zod/mini";
import { YamlList, YamlMap, YamlNull, YamlText, type YamlValue } from "./yaml_tree.ts";

/*
 * What a gadget.yaml has to look like. The values that are checked are nodes of the file's tree; each check is named for what it wants,
 * and that name is its message.
 */

const text = z.pipe(z.transform((node) => node instanceof YamlText ? node.text : node), z.string("a text"));

const truth = z.pipe(z.transform((node) => node instanceof YamlText ? node.isTrue : node), z.boolean("true or false"));

const list = z.pipe(
  z.transform((node) => node instanceof YamlList ? node.items : node),
  z.array(text, "a list of texts"),
);

/** A map with any keys. What is null in a map of texts is not there; a map that is null is empty. */
function mapOf<S extends z.ZodMiniType>(value: S, wanted: string, isOfTexts = false) {
  const entries = (node: unknown) => {
    if (node instanceof YamlNull) return new Map<string, YamlValue>();
    if (!(node instanceof YamlMap)) return node;
    const all = [...node.entries].map(([key, entry]) => [key, entry.value] as const);
    return new Map(all.filter(([, each]) => !isOfTexts || !(each instanceof YamlNull)));
  };
  return z.pipe(z.transform(entries), z.map(z.string(), value, wanted));
}

/** The entries of a map with certain keys, each of which may be left out. What is null is left out. */
const members = z.transform((node): Record<string, unknown> => {
  const found: Record<string, unknown> = Object.create(null);
  if (node instanceof YamlNull) return found;
  // What is no map is told by the next step.
  if (!(node instanceof YamlMap)) return undefined as never;
  for (const [key, { value }] of node.entries) if (!(value instanceof YamlNull)) found[key] = value;
  return found;
});

const annotations = z._default(mapOf(text, "a map of texts", true), new Map());
const optionalText = z._default(text, "");

const FIELD = { annotations };
const field = z.pipe(members, z.object(FIELD, "a map with annotations"));

const DATA_SOURCE = {
  annotations,
  fields: z._default(mapOf(field, "a map from fields to what is known of them"), new Map()),
};
const dataSource = z.pipe(members, z.object(DATA_SOURCE, "a map with annotations and fields"));

const PARAM = {
  key: optionalText,
  alternativeKey: optionalText,
  alias: optionalText,
  title: optionalText,
  defaultValue: optionalText,
  description: optionalText,
  isMandatory: z._default(truth, false),
  tags: z._default(list, []),
  type: optionalText,
  valueHint: optionalText,
  possibleValues: z._default(list, []),
};
const param = z.pipe(members, z.object(PARAM, "a map with key, defaultValue and the like"));

const params = mapOf(
  mapOf(param, "a map from variables to parameters"),
  "a map from operators (ebpf, wasm) to their parameters",
);

const METADATA = {
  name: optionalText,
  description: optionalText,
  homepageURL: optionalText,
  documentationURL: optionalText,
  sourceURL: optionalText,
  annotations,
  datasources: z._default(mapOf(dataSource, "a map from data sources to what is known of them"), new Map()),
  params: z._default(params, new Map()),
};

/** A gadget.yaml. Keys that nobody knows pass. */
export const METADATA_SCHEMA = z.pipe(members, z.object(METADATA, "a map with name, description and the like"));

/** Stands for any key in a path. */
export const ANY_KEY = Symbol("any key");

/** Which keys each kind of map may have, in the order in which `ig` writes them; by paths. */
export const KNOWN_KEYS: readonly { path: readonly (string | typeof ANY_KEY)[]; keys: readonly string[] }[] = [
  { path: [], keys: Object.keys(METADATA) },
  { path: ["datasources", ANY_KEY], keys: Object.keys(DATA_SOURCE) },
  { path: ["datasources", ANY_KEY, "fields", ANY_KEY], keys: Object.keys(FIELD) },
  { path: ["params", ANY_KEY, ANY_KEY], keys: Object.keys(PARAM) },
];

/** What the schema makes of a file. */
export type MetadataContent = z.infer<typeof METADATA_SCHEMA>;
export type MetadataParam = z.infer<typeof param>;
export type MetadataDataSource = z.infer<typeof dataSource>;
