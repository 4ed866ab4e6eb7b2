import { isMap, type Node, parseDocument } from "yaml";
import { MAX_METADATA_SIZE, MAX_TEXTS, nestsTooDeepAt } from "./bounds.ts";
import { aliasTargets, entriesOf, itemsOf, type Reading, textOf } from "./yaml_node.ts";

/** A parameter of a gadget. Whatever is not given, or not as it should be, is absent. */
export interface GadgetParam {
  /** What takes it: `ebpf`, `wasm`. */
  operator: string;
  /** The variable of the program, or whatever else the operator knows it by. */
  variable: string;
  /** What it is set by. */
  key?: string;
  alternativeKey?: string;
  /** One letter. */
  alias?: string;
  title?: string;
  description?: string;
  defaultValue?: string;
  type?: string;
  valueHint?: string;
  isMandatory: boolean;
  possibleValues: string[];
  tags: string[];
}

/** A field of a data source. */
export interface GadgetField {
  name: string;
  annotations: [key: string, value: string][];
}

/** Something that a gadget tells records from. */
export interface GadgetDataSource {
  name: string;
  annotations: [key: string, value: string][];
  fields: GadgetField[];
}

/** What a gadget.yaml says. */
export interface GadgetMetadata {
  name?: string;
  description?: string;
  homepageURL?: string;
  documentationURL?: string;
  sourceURL?: string;
  annotations: [key: string, value: string][];
  params: GadgetParam[];
  dataSources: GadgetDataSource[];
  /** Whether there was more than is read. */
  isCut: boolean;
}

/** How many UTF-16 units of all texts are kept. */
const MAX_LENGTH = 512 * 1024;

/**
 * Reads a gadget.yaml for people to look at: leniently, as Inspektor Gadget would take it and beyond. What is not of the type that it
 * should be is left out; of several values of one key the last one counts; texts are kept as they are written, `2.50` stays `2.50`.
 *
 * @returns `undefined` if it is longer than {@link MAX_METADATA_SIZE}, or no YAML with keys and values
 * @example
 * ```ts
 * readGadgetMetadata(new TextEncoder().encode("name: trace open"))?.name; // "trace open"
 * ```
 */
export function readGadgetMetadata(bytes: Uint8Array): GadgetMetadata | undefined {
  if (bytes.length > MAX_METADATA_SIZE) return undefined;
  const text = new TextDecoder().decode(bytes);
  if (nestsTooDeepAt(text) !== undefined) return undefined;
  try {
    // The values of YAML 1.1 (`yes`, `010`) do not matter: texts are taken as they stand.
    const document = parseDocument(text, { schema: "failsafe", uniqueKeys: false, prettyErrors: false, strict: false });
    const reading: Reading = { targets: aliasTargets(document), texts: MAX_TEXTS, length: MAX_LENGTH, isCut: false };
    return isMap(document.contents) ? metadataOf(document.contents, reading) : undefined;
  } catch {
    // Blocks that nest by the thousand exhaust the stack.
    return undefined;
  }
}

function metadataOf(root: Node, reading: Reading): GadgetMetadata {
  const top = entriesOf(root, reading);
  const metadata = {
    ...textsAt(top, ["name", "description", "homepageURL", "documentationURL", "sourceURL"], reading),
    annotations: textsOf(top.get("annotations"), reading),
    params: paramsOf(top.get("params"), reading),
    dataSources: dataSourcesOf(top.get("datasources"), reading),
  };
  return { ...metadata, isCut: reading.isCut };
}

function paramsOf(node: Node | undefined, reading: Reading): GadgetParam[] {
  return [...entriesOf(node, reading)].flatMap(([operator, variables]) =>
    [...entriesOf(variables, reading)].map(([variable, param]) => paramOf(operator, variable, param, reading))
  );
}

const PARAM_TEXTS = [
  "key",
  "alternativeKey",
  "alias",
  "title",
  "description",
  "defaultValue",
  "type",
  "valueHint",
] as const;

function paramOf(operator: string, variable: string, node: Node, reading: Reading): GadgetParam {
  const members = entriesOf(node, reading);
  return {
    operator,
    variable,
    ...textsAt(members, PARAM_TEXTS, reading),
    isMandatory: /^(true|yes|on|y)$/i.test(textOf(members.get("isMandatory"), reading) ?? ""),
    possibleValues: listOf(members.get("possibleValues"), reading),
    tags: listOf(members.get("tags"), reading),
  };
}

function dataSourcesOf(node: Node | undefined, reading: Reading): GadgetDataSource[] {
  return [...entriesOf(node, reading)].map(([name, dataSource]) => {
    const members = entriesOf(dataSource, reading);
    const fields = [...entriesOf(members.get("fields"), reading)].map(([field, value]) => ({
      name: field,
      annotations: textsOf(entriesOf(value, reading).get("annotations"), reading),
    }));
    return { name, annotations: textsOf(members.get("annotations"), reading), fields };
  });
}

function textsOf(node: Node | undefined, reading: Reading): [string, string][] {
  return [...entriesOf(node, reading)].flatMap(([key, value]): [string, string][] => {
    const text = textOf(value, reading);
    return text === undefined ? [] : [[key, text]];
  });
}

function listOf(node: Node | undefined, reading: Reading): string[] {
  return itemsOf(node, reading).slice(0, MAX_TEXTS).flatMap((item) => textOf(item, reading) ?? []);
}

/** What of these has a text that is not empty. */
function textsAt<Name extends string>(
  members: ReadonlyMap<string, Node>,
  names: readonly Name[],
  reading: Reading,
): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const text = textOf(members.get(name), reading);
    if (text !== undefined && text !== "") found[name] = text;
  }
  return found;
}
